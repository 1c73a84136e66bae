"""A small answer as Claude streams it, with the ids that a gateway puts before its events."""

import json

JOB = "job_x"
_START = {"model": "claude-x", "usage": {"input_tokens": 5, "cache_read_input_tokens": 7}}


def event(name: str, number: int | None = None, **fields: object) -> bytes:
    """One event; with a number it is a frame of the job."""
    id_line = f"id: {JOB}:7-{number}\n" if number is not None else ""
    return f"{id_line}event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


def delta(text: str, number: int | None = None) -> bytes:
    """Some text."""
    return event("content_block_delta", number, index=0, delta={"type": "text_delta", "text": text})


def answer() -> list[bytes]:
    """`Hello, you!`, event by event."""
    return [
        event(
            "message_start",
            1,
            message={"model": "claude-x", "usage": {"input_tokens": 5, "cache_read_input_tokens": 7}},
        ),
        event("ping"),
        event("content_block_start", 2, index=0, content_block={"type": "text", "text": ""}),
        delta("Hello, ", 3),
        delta("you!", 4),
        event("content_block_stop", 5, index=0),
        event("message_delta", 6, delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9}),
        event("message_stop", 7),
    ]
