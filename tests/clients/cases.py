"""What every client is asked to do, as one table; and what each case must show when there is no gateway.

Invariant: a name is unique, and what it stands for is the same for all clients. README.md says what the fields mean.
Does not know: the clients, the addresses.
"""

import base64
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]

_MODEL = "claude-test"
_PROMPT = "Why is the sky blue?"
_WEATHER: Body = {
    "name": "get_weather",
    "description": "The weather at a place.",
    "input_schema": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["location"],
    },
}
_BETAS = ",".join(f"unknown-beta-{number}-2099-01-0{number}" for number in range(1, 9))
_STATUSES = (400, 401, 402, 403, 404, 413, 429, 500, 502, 503, 504, 529)


@dataclass(frozen=True)
class Case:
    """One row.

    `shows` are names that the outcome must have, and not empty, and `values` what some must be where the client shows
    them at all; both when there is no gateway. `waits`: asked of a gateway that has one slot, hardly holds the head and
    pings often. `cut`: through a gateway the outcome must be an error, whatever it is without. `unread`: its body is
    refused before it is read, so that its calls are found by their query.
    """

    name: str
    kind: str
    body: Body | None = None
    shows: tuple[str, ...] = ("text",)
    values: Mapping[str, object] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    waits: bool = False
    cut: bool = False
    unread: bool = False


def _body(directive: str = "answer", prompt: str = _PROMPT, **fields: Any) -> Body:
    content = _prompt(directive, prompt)
    return {"model": _MODEL, "max_tokens": 4096, "messages": [{"role": "user", "content": content}], **fields}


def _prompt(directive: str, prompt: str = _PROMPT) -> str:
    """Short answers unless a case is about length: thousands of them are read in a run."""
    length = "" if "events" in directive else " events=24"
    return f"[[sim:{directive}{length}]] {prompt}"


def _png() -> str:
    """A red square of 8 × 8, as base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xff\0\0" * 8) * 8
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return base64.b64encode(png).decode()


def _blocks(directive: str, *blocks: Body) -> Body:
    content = [*blocks, {"type": "text", "text": _prompt(directive)}]
    return _body() | {"messages": [{"role": "user", "content": content}]}


_IMAGE = _blocks("answer", {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _png()}})
_DOCUMENT = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "Short waves are scattered more than long ones."},
    "citations": {"enabled": True},
}
_TOOLS = _body(tools=[_WEATHER])
_THINKING = _body(thinking={"type": "enabled", "budget_tokens": 1024})
_USED = {"stop_reason": "end_turn"}


def _both(name: str, body: Body, **fields: Any) -> tuple[Case, Case]:
    """A case as a whole answer and as a stream."""
    return Case(name, "message", body, **fields), Case(f"{name}, streamed", "stream", body, **fields)


_ANSWERS = (
    *_both("text", _body(system="Be brief."), values=_USED),
    Case("long text, streamed", "stream", _body("long events=1000")),
    *_both("multi-byte text", _body("multibyte events=60")),
    *_both("max_tokens", _body(max_tokens=7), values={"stop_reason": "max_tokens"}),
    *_both("stop sequence", _body(stop_sequences=[" most "]), values={"stop_reason": "stop_sequence"}),
    *_both("tools", _TOOLS, shows=("tools",), values={"stop_reason": "tool_use"}),
    Case(
        "three tool calls, streamed",
        "stream",
        _body("tools 3", tools=[_WEATHER]),
        ("tools",),
        {"stop_reason": "tool_use"},
    ),
    Case("tool loop", "tool_loop", _TOOLS, ("text", "tools"), more={"tool_result": "18 °C and dry"}),
    *_both("thinking", _THINKING),
    *_both("redacted thinking", _body("redacted-thinking")),
    *_both("image", _IMAGE),
    *_both("document with citations", _blocks("citations", _DOCUMENT)),
    *_both("server tools", _body("server-tools")),
    *_both("cache usage", _body("cache created=300 read=7000"), shows=("text", "usage")),
    *_both("refusal", _body("refusal"), values={"stop_reason": "refusal"}),
    Case("pause_turn, streamed", "stream", _body("pause-turn"), values={"stop_reason": "pause_turn"}),
    Case("empty answer", "message", _body("empty"), shows=(), values={**_USED, "text": ""}),
    Case("pings between deltas", "stream", _body("pings 3"), values=_USED),
    Case("lines that end with CR LF", "stream", _body("crlf"), values=_USED),
    Case("one byte a write", "stream", _body("one-byte-writes events=20"), values=_USED),
    Case("slow first token", "stream", _body("slow-first-token 900"), values=_USED, waits=True),
    Case("slow answer", "message", _body("slow-first-token 900"), values=_USED, waits=True),
)

_REQUESTS = (
    *_both("?beta=true", _body(), more={"query": {"beta": "true"}}),
    *_both("eight unknown betas", _body(), more={"headers": {"anthropic-beta": _BETAS}}),
    *_both("unknown fields", _body(x_unknown={"deep": [1, {"null": None}]}, service_tier="auto")),
    Case(
        "stream false, accepts events",
        "message",
        _body(stream=False),
        more={"headers": {"accept": "text/event-stream"}},
    ),
    Case("stream true, accepts JSON", "stream", _body(), more={"headers": {"accept": "application/json"}}),
    Case(
        "version 2023-06-01",
        "message",
        _body(temperature=0.5),
        more={"headers": {"anthropic-version": "2023-06-01"}},
    ),
    Case("version 2026-10-21", "stream", _body(), more={"headers": {"anthropic-version": "2026-10-21"}}),
    Case(
        "version 2026-10-21 refuses temperature",
        "message",
        _body(temperature=0.5),
        ("error",),
        {"status": 400},
        more={"headers": {"anthropic-version": "2026-10-21"}},
        unread=True,
    ),
    *_both("key as Bearer", _body(), more={"auth": "bearer"}),
    Case("stream left in the middle", "cancel", _body("long events=1000 tps=200"), more={"after": 5}),
    Case("parallel streams", "parallel", None, ("parts",), more={"prompts": 10}),
    Case("parallel streams in a queue", "parallel", None, ("parts",), more={"prompts": 3}, waits=True),
    Case("429, then an answer", "message", _body("error 429 then_ok=1"), more={"max_retries": 2}),
    Case("529, then a stream", "stream", _body("error 529 then_ok=1"), more={"max_retries": 2}),
    Case("count tokens", "count_tokens", _body(tools=[_WEATHER]), ("input_tokens",)),
    Case("count tokens, 429", "count_tokens", _body("error 429 retry-after=7"), ("error",), {"status": 429}),
    Case("models in pages", "models", None, ("models",), more={"limit": 7}),
    Case("model by its alias", "model", None, ("model",), more={"model": "claude-sonnet-4-5"}),
    Case("unknown model", "model", None, ("error",), {"status": 404}, more={"model": "claude-unknown"}),
)


def _refused(name: str, directive: str, status: int) -> tuple[Case, Case]:
    return _both(name, _body(f"error {directive}"), shows=("error",), values={"status": status})


def _broken(name: str, directive: str, **fields: Any) -> Case:
    return Case(name, "stream", _body(directive), ("error",), **fields)


_ERRORS = (
    # Of a short `retry-after` a worker makes use by itself; a long one is the client's.
    *(case for status in _STATUSES for case in _refused(f"{status}", f"{status} retry-after=7", status)),
    *_refused("429 without retry-after", "429 retry-after=none", 429),
    *_refused("529 without retry-after", "529", 529),
    *_refused("502, a page", "502 body=html", 502),
    *_refused("503, a line of text", "503 body=text", 503),
    *_refused("500, another JSON", "500 body=json", 500),
    *_refused("500 without a body", "500 body=empty", 500),
    *(_broken(f"{status} in mid-stream", f"error-mid-stream status={status}") for status in (500, 529)),
    Case("cut in mid-stream", "stream", _body("cut 9"), shows=(), cut=True),
    Case("cut by a reset", "stream", _body("cut 9 reset"), shows=(), cut=True),
    Case("end without message_stop", "stream", _body("no-message-stop"), shows=(), cut=True),
    Case("cut answer", "message", _body("cut 9"), shows=("error",), cut=True),
)

CASES: tuple[Case, ...] = (*_ANSWERS, *_REQUESTS, *_ERRORS)


def asked(case: Case, label: str) -> dict[str, Any]:
    """The fields of a case as a driver gets them, but for its id, client and address. `label` finds its calls."""
    more = dict(case.more)
    prompts = more.pop("prompts", 0)
    fields: dict[str, Any] = {"kind": case.kind, **more}
    if prompts:
        pace = "text events=15 first-token-ms=300" if case.waits else "long events=40 tps=300"
        bodies = [_body(pace, f"Tell me of the number {number}.") for number in range(prompts)]
        fields["bodies"] = [body | {"metadata": {"user_id": label}} for body in bodies]
    if case.body is not None:
        fields["body"] = case.body | {"metadata": {"user_id": label}}
    if case.unread or not (prompts or case.body):
        fields["query"] = {"sim-label": label}
    return fields
