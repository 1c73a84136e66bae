"""The message that a finished stream amounts to, from its events.

The rules are those of Anthropic's streaming documentation: a block starts with its skeleton, deltas add to it, tool
input is partial JSON that is parsed when the block stops (`max_tokens` may have cut it), `message_delta` brings the
stop reason and the last usage.
Does not know: the log; it is given frames.
"""

import json
from collections.abc import Iterable
from typing import Any

from pydantic_core import from_json

_ADDS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def final_message(data: Iterable[bytes]) -> dict[str, Any] | None:
    """The message; None if the events amount to none: without `message_start`, or when they do not fit together.

    Unknown events and deltas are left out."""
    try:
        return _accumulated(data)
    except (LookupError, TypeError, AttributeError, ValueError):  # the upstream's events, which nobody has checked
        return None


def _accumulated(data: Iterable[bytes]) -> dict[str, Any] | None:
    message: dict[str, Any] | None = None
    inputs: dict[int, str] = {}
    for event in _events(data):
        kind = event.get("type")
        if kind == "message_start":
            message = event["message"]
        elif message is None:
            continue
        elif kind == "content_block_start":
            message["content"].append(event["content_block"])
        elif kind == "content_block_delta":
            _add(message["content"][event["index"]], event["delta"], inputs, event["index"])
        elif kind == "content_block_stop" and event["index"] in inputs:
            message["content"][event["index"]]["input"] = _input(inputs.pop(event["index"]))
        elif kind == "message_delta":
            message |= event["delta"]
            message["usage"] |= {name: value for name, value in (event.get("usage") or {}).items() if value is not None}
    return message


def _events(data: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    for chunk in data:
        for line in chunk.split(b"\n"):
            if line.startswith(b"data:"):
                yield json.loads(line[5:])


def _add(block: dict[str, Any], delta: dict[str, Any], inputs: dict[int, str], index: int) -> None:
    kind = delta.get("type", "")
    if kind in _ADDS:
        name = _ADDS[kind]
        block[name] = block.get(name, "") + delta[name]
    elif kind == "input_json_delta":
        inputs[index] = inputs.get(index, "") + delta["partial_json"]
    elif kind == "citations_delta":
        block["citations"] = [*(block.get("citations") or []), delta["citation"]]


def _input(text: str) -> Any:
    """A tool's input, as far as it goes; what is no JSON at all is given as it was said."""
    try:
        return from_json(text or "{}", allow_partial=True)
    except ValueError:
        return text
