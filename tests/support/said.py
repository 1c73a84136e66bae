"""Events as Claude says them, for tests that need bytes and no upstream."""

import json
from typing import Any


def event(name: str, **fields: Any) -> bytes:
    """One named server-sent event; its data carries the name as `type`, as Claude's do."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def start(**usage: Any) -> bytes:
    """`message_start`, with the usage that is known by then."""
    usage = usage or {"input_tokens": 10, "output_tokens": 1}
    return event("message_start", message={"id": "msg_1", "role": "assistant", "content": [], "usage": usage})


def text(words: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": words})


def delta(**usage: Any) -> bytes:
    """`message_delta`, with the last usage."""
    return event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage=usage)


def error(kind: str = "overloaded_error", message: str = "Overloaded") -> bytes:
    return event("error", error={"type": kind, "message": message})


BLOCK = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
BLOCK_END = event("content_block_stop", index=0)
PING = event("ping")
STOP = event("message_stop")


def answer(*words: str) -> list[bytes]:
    """A whole short answer, one event an element."""
    return [start(), BLOCK, *map(text, words), BLOCK_END, delta(output_tokens=len(words)), STOP]
