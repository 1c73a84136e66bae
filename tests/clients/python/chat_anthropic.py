"""The driver of langchain-anthropic: `ChatAnthropic`, called and streamed, in both ways of waiting."""

import asyncio
from functools import partial
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage, convert_to_messages
from pydantic import SecretStr

from tests.clients.python.speaking import KEY, LIMIT_S, Asked, Loop, Outcome, plain_failure, side_by_side, speak

_LOOP = Loop()
# What a model object takes itself; the rest of a body goes where it offers to pass something on.
_OWN = ("model", "max_tokens", "thinking", "temperature")
_BY_CALL = ("messages", "tools", "system", "stream", "stop_sequences")


def talk(asked: Asked, outcome: Outcome) -> None:
    """The client `langchain`."""
    kind = asked["kind"]
    if kind == "message":
        _tell(_model(asked).invoke(_messages(asked)), outcome)
    elif kind == "stream":
        _stream(asked, _messages(asked), outcome)
    elif kind == "tool_loop":
        _tool_loop(asked, outcome)
    elif kind == "parallel":
        outcome["parts"] = side_by_side(partial(_part, asked), asked["bodies"])
    elif kind == "cancel":
        _cancel(asked, outcome)
    else:
        body = asked["body"]
        count = _chat(asked).get_num_tokens_from_messages
        extra = {"extra_body": {"metadata": body["metadata"]}}
        outcome["input_tokens"] = count(convert_to_messages(body["messages"]), tools=body.get("tools"), **extra)


def talk_async(asked: Asked, outcome: Outcome) -> None:
    """The client `langchain async`."""
    _LOOP.run(_talk_async(asked, outcome))


async def _talk_async(asked: Asked, outcome: Outcome) -> None:
    if asked["kind"] == "message":
        _tell(await _model(asked).ainvoke(_messages(asked)), outcome)
    elif asked["kind"] == "stream":
        await _stream_async(asked, outcome)
    else:
        parts: list[Outcome] = [{} for _ in asked["bodies"]]
        works = [_stream_async(asked | {"body": body}, part) for body, part in zip(asked["bodies"], parts, strict=True)]
        await asyncio.gather(*works)
        outcome["parts"] = parts


def _chat(asked: Asked) -> ChatAnthropic:
    body = asked["body"]
    own = {name: body[name] for name in _OWN if name in body}
    passed_on = {name: value for name, value in body.items() if name not in (*_OWN, *_BY_CALL)}
    return ChatAnthropic(
        base_url=asked["base_url"],
        api_key=SecretStr(KEY),
        max_retries=asked.get("max_retries", 0),
        timeout=LIMIT_S,
        stop=body.get("stop_sequences"),
        model_kwargs={
            "extra_body": passed_on,
            "extra_headers": asked.get("headers"),
            "extra_query": asked.get("query"),
        },
        **own,
    )


def _model(asked: Asked) -> Any:
    tools = asked["body"].get("tools")
    return _chat(asked).bind_tools(tools) if tools else _chat(asked)


def _messages(asked: Asked) -> list[Any]:
    body = asked["body"]
    system = [{"role": "system", "content": body["system"]}] if "system" in body else []
    return [*system, *body["messages"]]


def _stream(asked: Asked, messages: list[Any], outcome: Outcome) -> AIMessageChunk:
    whole: Any = None
    for chunk in _model(asked).stream(messages):
        whole = _with(whole, chunk, outcome)
    _tell(whole, outcome)
    found: AIMessageChunk = whole
    return found


async def _stream_async(asked: Asked, outcome: Outcome) -> None:
    whole: Any = None
    async for chunk in _model(asked).astream(_messages(asked)):
        whole = _with(whole, chunk, outcome)
    _tell(whole, outcome)


def _with(whole: Any, chunk: AIMessageChunk, outcome: Outcome) -> Any:
    outcome["pieces"] = outcome.get("pieces", 0) + (chunk.text != "")
    outcome["text"] = outcome.get("text", "") + chunk.text
    return chunk if whole is None else whole + chunk


def _part(asked: Asked, body: dict[str, Any]) -> Outcome:
    part: Outcome = {}
    _stream(asked | {"body": body}, body["messages"], part)
    return part


def _tool_loop(asked: Asked, outcome: Outcome) -> None:
    first: Outcome = {}
    said = _stream(asked, _messages(asked), first)
    results = [ToolMessage(asked["tool_result"], tool_call_id=call["id"]) for call in said.tool_calls]
    _stream(asked, [*_messages(asked), said, *results], outcome)
    outcome["tools"] = first["tools"] + outcome["tools"]
    outcome["stop_reasons"] = [first["stop_reason"], outcome["stop_reason"]]


def _cancel(asked: Asked, outcome: Outcome) -> None:
    texts: list[str] = []
    stream = _model(asked).stream(_messages(asked))
    for chunk in stream:
        texts += [chunk.text] if chunk.text else []
        if len(texts) == asked["after"]:
            break
    stream.close()
    outcome["text"] = "".join(texts)


def _tell(message: BaseMessage, outcome: Outcome) -> None:
    assert isinstance(message, AIMessage)
    outcome["text"] = message.text
    outcome["blocks"] = message.content
    outcome["tools"] = [{"name": call["name"], "input": call["args"]} for call in message.tool_calls]
    outcome["usage"] = message.usage_metadata
    outcome["metadata"] = message.response_metadata
    outcome["stop_reason"] = message.response_metadata.get("stop_reason")


def failure(error: Exception) -> Outcome:
    """Its exceptions are the SDK's, or a class of both."""
    told = plain_failure(error)
    response = getattr(error, "response", None)
    if response is not None:
        told["error"] |= {"status": response.status_code, "retry_after": response.headers.get("retry-after")}
        told["error"] |= {"type": getattr(error, "type", None)}
        told["request_id"] = getattr(error, "request_id", None) is not None
    return told


if __name__ == "__main__":
    speak({"langchain": talk, "langchain async": talk_async}, failure)
