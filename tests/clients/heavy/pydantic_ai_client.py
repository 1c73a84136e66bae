"""pydantic-ai: requests by its `direct` module, the tool loop by an `Agent`.

Invariant: a case's body is said in pydantic-ai's words where it has some, the rest travels as `extra_body`; an outcome
is in its words too.
Does not know: whether a gateway or the API itself answers; what pydantic-ai sends for it.
"""

import asyncio
import base64
from dataclasses import asdict
from importlib import import_module
from typing import Any

from tests.clients.python.speaking import KEY, LIMIT_S, Asked, Loop, Outcome, speak

# By name: the environment that checks types does not have them.
ai: Any = import_module("pydantic_ai")
direct: Any = import_module("pydantic_ai.direct")
messages: Any = import_module("pydantic_ai.messages")
models: Any = import_module("pydantic_ai.models")
anthropic_model: Any = import_module("pydantic_ai.models.anthropic").AnthropicModel
provider: Any = import_module("pydantic_ai.providers.anthropic").AnthropicProvider
anthropic_client: Any = import_module("anthropic").AsyncAnthropic

Json = dict[str, Any]
_OWN_WORDS = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "stop_sequences": "stop_sequences",
    "thinking": "anthropic_thinking",
    "metadata": "anthropic_metadata",
}
_SAID_APART = ("model", "messages", "system", "tools")


def _model(asked: Asked) -> Any:
    key = "auth_token" if asked.get("auth") == "bearer" else "api_key"
    client = anthropic_client(
        base_url=asked["base_url"],
        max_retries=asked.get("max_retries", 0),
        timeout=LIMIT_S,
        default_query=asked.get("query"),
        **{key: KEY},
    )
    return anthropic_model(
        (asked.get("body") or asked["bodies"][0])["model"], provider=provider(anthropic_client=client)
    )


def _settings(asked: Asked) -> Json:
    body = asked["body"]
    rest = {name: value for name, value in body.items() if name not in (*_OWN_WORDS, *_SAID_APART)}
    settings = {word: body[name] for name, word in _OWN_WORDS.items() if name in body}
    return settings | {"extra_headers": asked.get("headers") or {}, "extra_body": rest}


def _request(asked: Asked) -> Json:
    """The arguments of a direct request."""
    body = asked["body"]
    tools = [
        ai.ToolDefinition(
            name=tool["name"], description=tool["description"], parameters_json_schema=tool["input_schema"]
        )
        for tool in body.get("tools", [])
    ]
    system = [messages.SystemPromptPart(body["system"])] if "system" in body else []
    prompt = messages.UserPromptPart(_content(body["messages"][-1]["content"]))
    return {
        "messages": [messages.ModelRequest([*system, prompt])],
        "model_settings": _settings(asked),
        "model_request_parameters": models.ModelRequestParameters(function_tools=tools),
    }


def _content(content: Any) -> Any:
    return content if isinstance(content, str) else [_part(block) for block in content]


def _part(block: Json) -> Any:
    if block["type"] == "text":
        return block["text"]
    source = block["source"]
    data = base64.b64decode(source["data"]) if source["type"] == "base64" else source["data"].encode()
    return messages.BinaryContent(data, media_type=source["media_type"])


def _show(answer: Any, outcome: Outcome) -> None:
    outcome |= {
        "text": answer.text or "",
        "tools": [{"name": call.tool_name, "input": call.args_as_dict()} for call in answer.tool_calls],
        "blocks": [f"{type(part).__name__}: {part.content}" for part in answer.parts if hasattr(part, "content")],
        "usage": asdict(answer.usage),
        "finish_reason": answer.finish_reason,
        "stop_reason": (answer.provider_details or {}).get("finish_reason"),
    }


async def _message(asked: Asked, outcome: Outcome) -> None:
    _show(await direct.model_request(_model(asked), **_request(asked)), outcome)


async def _stream(asked: Asked, outcome: Outcome, model: Any = None) -> None:
    """Ends early, and shows the text alone, when a case says after how many pieces the application leaves."""
    outcome |= {"text": "", "pieces": 0, "events": []}
    async with direct.model_request_stream(model or _model(asked), **_request(asked)) as answer:
        async for event in answer:
            _hear(event, outcome)
            if asked.get("after") and outcome["pieces"] >= asked["after"]:
                return
    _show(answer.get(), outcome)


def _hear(event: Any, outcome: Outcome) -> None:
    outcome["events"].append(event.event_kind)
    said = getattr(event, "delta", None) or getattr(event, "part", None)
    text = getattr(said, "content_delta", getattr(said, "content", None))
    if event.event_kind in ("part_start", "part_delta") and "Text" in type(said).__name__ and text:
        outcome["text"] += text
        outcome["pieces"] += 1


async def _cancel(asked: Asked, outcome: Outcome) -> None:
    part: Outcome = {}
    await _stream(asked, part)
    outcome["text"] = part["text"]


async def _tool_loop(asked: Asked, outcome: Outcome) -> None:
    """An agent streams as soon as somebody listens to its events."""
    body = asked["body"]

    async def answer(**_: Any) -> str:
        return str(asked["tool_result"])

    async def listen(_: Any, events: Any) -> None:
        outcome.setdefault("events", []).extend([event.event_kind async for event in events])

    tools = [
        ai.Tool.from_schema(answer, tool["name"], tool["description"], tool["input_schema"]) for tool in body["tools"]
    ]
    agent = ai.Agent(_model(asked), tools=tools, model_settings=_settings(asked))
    run = await agent.run(body["messages"][-1]["content"], event_stream_handler=listen)
    answers = [message for message in run.all_messages() if message.kind == "response"]
    _show(answers[-1], outcome)
    calls = [call for message in answers for call in message.tool_calls]
    outcome["tools"] = [{"name": call.tool_name, "input": call.args_as_dict()} for call in calls]
    outcome["stop_reasons"] = [message.finish_reason for message in answers]


async def _parallel(asked: Asked, outcome: Outcome) -> None:
    parts: list[Outcome] = [{} for _ in asked["bodies"]]
    model = _model(asked)
    calls = [_stream({**asked, "body": body}, part, model) for body, part in zip(asked["bodies"], parts, strict=True)]
    await asyncio.gather(*calls)
    outcome["parts"] = parts


def _failure(error: Exception) -> Outcome:
    body, headers = getattr(error, "body", None), getattr(error, "headers", None) or {}
    shown = {"class": type(error).__name__, "status": getattr(error, "status_code", None), "message": str(error)}
    if isinstance(body, dict):
        shown["type"] = (body.get("error") or {}).get("type")
    return {"error": shown | {"retry_after": headers.get("retry-after")}, "request_id": "request-id" in headers}


_KINDS = {
    "message": _message,
    "stream": _stream,
    "tool_loop": _tool_loop,
    "cancel": _cancel,
    "parallel": _parallel,
}

if __name__ == "__main__":
    loop = Loop()
    speak({"pydantic-ai": lambda asked, outcome: loop.run(_KINDS[asked["kind"]](asked, outcome))}, _failure)
