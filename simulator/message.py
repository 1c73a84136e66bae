"""An answer in Claude's words: the events of a stream, or the one body of a call that does not stream.

Invariant: accumulating the events gives the body. Shapes: the types `RawMessageStreamEvent` and `Message` of
Claude's API. Does not know pace, faults or HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from simulator.answer import Answer

Json = dict[str, Any]

_DELTA_END = b"0}\n\n"
_BEFORE_CONTENT = frozenset({"message_start", "content_block_start", "ping"})


class Frame(NamedTuple):
    """Ready bytes and what their sender must know."""

    data: bytes
    paced: bool = False
    """Due one step after the paced frame before it; others go with the frame before them."""
    content: bool = False
    """The answer has begun: not `message_start`, `content_block_start` or `ping`."""
    text: bool = False
    """A text delta, which may carry a time stamp."""
    events: int = 1
    """How many events are complete with this frame."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who speaks: the message id and the model name that the request gave."""

    message_id: str
    model: str


def event(name: str, data: Json) -> bytes:
    """One server-sent event as Claude frames it: a name line, a line of compact JSON, a blank line.

    Characters beyond ASCII travel as UTF-8, U+2028 and U+0085 too, which are no line ends in such a stream.
    """
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(data))


PING = Frame(event("ping", {"type": "ping"}))


def message_frames(answer: Answer, envelope: Envelope) -> list[Frame]:
    """The events of a stream, in order, from message_start to message_stop."""
    frames = [_frame("message_start", message=_started(answer, envelope))]
    for index, block in enumerate(answer.blocks):
        frames.append(_frame("content_block_start", index=index, content_block=block.opening()))
        if index == 0:
            frames.append(PING)
        frames += _delta_frames(index, block.deltas())
        frames.append(_frame("content_block_stop", index=index))
    frames.append(_frame("message_delta", delta=_stopped(answer), usage=_final_usage(answer)))
    frames.append(_frame("message_stop"))
    return _first_content_paced(frames)


def message_body(answer: Answer, envelope: Envelope) -> bytes:
    """The body of a call that does not stream."""
    content = [block.whole() for block in answer.blocks]
    usage = {**_first_usage(answer), **_final_usage(answer)}
    message = {**_started(answer, envelope), "content": content, **_stopped(answer), "usage": usage}
    return msgspec.json.encode(message)


def stamped(data: bytes, time_ns: int) -> bytes:
    """A text delta whose text begins with `@<time_ns> `."""
    before, opening, rest = data.partition(b'"text":"')
    return b"%b%b@%d %b" % (before, opening, time_ns, rest)


def _frame(name: str, **fields: Any) -> Frame:
    return Frame(event(name, {"type": name, **fields}), content=name not in _BEFORE_CONTENT)


def _delta_frames(index: int, deltas: list[Json]) -> list[Frame]:
    """The bytes that `event` would make, with the part that all share made once: answers are mostly deltas."""
    whole = event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": 0})
    before, after = whole[: -len(_DELTA_END)], _DELTA_END[1:]
    encode = msgspec.json.Encoder().encode
    return [Frame(before + encode(delta) + after, True, True, delta["type"] == "text_delta") for delta in deltas]


def _first_content_paced(frames: list[Frame]) -> list[Frame]:
    """An answer without a delta has a time to its first content too."""
    at = next(index for index, frame in enumerate(frames) if frame.content)
    frames[at] = frames[at]._replace(paced=True)
    return frames


def _started(answer: Answer, envelope: Envelope) -> Json:
    return {
        "model": envelope.model,
        "id": envelope.message_id,
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": _first_usage(answer),
    }


def _first_usage(answer: Answer) -> Json:
    created = {"ephemeral_5m_input_tokens": answer.used.cache_created, "ephemeral_1h_input_tokens": 0}
    return {
        **answer.used.fields(),
        "cache_creation": created,
        "output_tokens": 1,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def _final_usage(answer: Answer) -> Json:
    usage = {**answer.used.fields(), "output_tokens": answer.output_tokens}
    if answer.thinking_tokens:
        usage["output_tokens_details"] = {"thinking_tokens": answer.thinking_tokens}
    if answer.web_searches:
        usage["server_tool_use"] = {"web_search_requests": answer.web_searches, "web_fetch_requests": 0}
    return usage


def _stopped(answer: Answer) -> Json:
    return {
        "stop_reason": answer.stop_reason,
        "stop_sequence": answer.stop_sequence,
        "stop_details": answer.stop_details,
    }
