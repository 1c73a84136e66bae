"""litellm as a client library: `acompletion` of a model named `anthropic/…`, with `api_base`.

Invariant: a case's body is said in OpenAI's words, as litellm wants it; an outcome is in these words too.
Does not know: whether a gateway or the API itself answers; what litellm sends for it.
"""

import asyncio
import json
import os
from importlib import import_module
from typing import Any

from tests.clients.python.speaking import KEY, LIMIT_S, Asked, Loop, Outcome, speak

# Else it fetches a list of prices, and one of betas, from its makers.
os.environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True"}
litellm: Any = import_module("litellm")  # by name: the environment that checks types does not have it
litellm.telemetry = False
litellm.suppress_debug_info = True  # else it prints between the lines that the suite reads

Json = dict[str, Any]
_OWN_WORDS = ("model", "messages", "system", "tools", "stop_sequences", "metadata", "stream")


def _arguments(asked: Asked, **more: Any) -> Json:
    """What `acompletion` takes for a case. What it has no word for it sends as it is."""
    body = asked["body"]
    system = [{"role": "system", "content": body["system"]}] if "system" in body else []
    tools = [{"type": "function", "function": _function(tool)} for tool in body.get("tools", [])]
    said = {
        "model": f"anthropic/{body['model']}",
        "messages": [*system, *({**turn, "content": _content(turn["content"])} for turn in body["messages"])],
        "tools": tools or None,
        "stop": body.get("stop_sequences"),
        "user": body.get("metadata", {}).get("user_id"),
        "allowed_openai_params": [name for name in ("thinking", "service_tier") if name in body],
        "api_base": asked["base_url"],
        "api_key": KEY,
        "extra_headers": asked.get("headers"),
        "num_retries": asked.get("max_retries", 0),
        "timeout": LIMIT_S,
    }
    return said | {name: value for name, value in body.items() if name not in _OWN_WORDS} | more


def _function(tool: Json) -> Json:
    return {"name": tool["name"], "description": tool["description"], "parameters": tool["input_schema"]}


def _content(content: Any) -> Any:
    return content if isinstance(content, str) else [_part(block) for block in content]


def _part(block: Json) -> Json:
    if block["type"] != "image":
        return block
    source = block["source"]
    return {"type": "image_url", "image_url": {"url": f"data:{source['media_type']};base64,{source['data']}"}}


def _show(answer: Any, outcome: Outcome) -> Any:
    """The names of an outcome. Answers the message."""
    choice = answer.choices[0]
    calls = choice.message.tool_calls or []
    blocks = choice.message.model_dump(exclude={"tool_calls"})  # their ids are of litellm's own making
    outcome |= {
        "text": choice.message.content or "",
        "tools": [{"name": call.function.name, "input": json.loads(call.function.arguments)} for call in calls],
        "blocks": [blocks],
        "usage": answer.usage.model_dump(),
        "finish_reason": choice.finish_reason,
    }
    return choice.message


async def _message(asked: Asked, outcome: Outcome) -> None:
    answer = await litellm.acompletion(**_arguments(asked))
    _show(answer, outcome)
    outcome["request_id"] = "llm_provider-request-id" in answer._hidden_params.get("additional_headers", {})


async def _stream(asked: Asked, outcome: Outcome, after: int = 0) -> Any:
    """Answers the message that litellm puts together; None if the application left after so many pieces."""
    options = _arguments(asked, stream=True, stream_options={"include_usage": True})
    outcome |= {"text": "", "pieces": 0}
    answer, chunks = await litellm.acompletion(**options), []
    async for chunk in answer:
        chunks.append(chunk)
        piece = (chunk.choices and chunk.choices[0].delta.content) or ""
        outcome["text"] += piece
        outcome["pieces"] += bool(piece)
        if after and outcome["pieces"] >= after:
            await answer.aclose()
            return None
    return _show(litellm.stream_chunk_builder(chunks, messages=options["messages"]), outcome)


async def _tool_loop(asked: Asked, outcome: Outcome) -> None:
    first: Outcome = {}
    message = await _stream(asked, first)
    body = asked["body"]
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": asked["tool_result"]} for call in message.tool_calls or []
    ]
    turns = [*body["messages"], message.model_dump(), *results]
    await _stream({**asked, "body": {**body, "messages": turns}}, outcome)
    outcome["tools"] = first["tools"] + outcome["tools"]
    outcome["stop_reasons"] = [first["finish_reason"], outcome["finish_reason"]]


async def _cancel(asked: Asked, outcome: Outcome) -> None:
    part: Outcome = {}
    await _stream(asked, part, asked["after"])
    outcome["text"] = part["text"]


async def _parallel(asked: Asked, outcome: Outcome) -> None:
    parts: list[Outcome] = [{} for _ in asked["bodies"]]
    calls = [_stream({**asked, "body": body}, part) for body, part in zip(asked["bodies"], parts, strict=True)]
    await asyncio.gather(*calls)
    outcome["parts"] = parts


def _failure(error: Exception) -> Outcome:
    """A `MidStreamFallbackError` wraps what has happened."""
    cause: Any = getattr(error, "original_exception", None) or error
    status = getattr(cause, "status_code", None)
    headers = getattr(getattr(cause, "response", None), "headers", None) or {}
    shown = {"class": type(cause).__name__, "status_code": status, "message": str(cause)}
    return {"error": shown | {"retry_after": headers.get("retry-after")}}


_KINDS = {
    "message": _message,
    "stream": _stream,
    "tool_loop": _tool_loop,
    "cancel": _cancel,
    "parallel": _parallel,
}

if __name__ == "__main__":
    loop = Loop()
    speak({"litellm": lambda asked, outcome: loop.run(_KINDS[asked["kind"]](asked, outcome))}, _failure)
