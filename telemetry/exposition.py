"""How the numbers leave the process: `/metrics`, with `/healthz` and `/readyz` beside it.

Invariant: what is shown was counted in this process; readiness is asked anew for each request.
Does not know: what being ready means, who serves the app.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from typing import Any, NamedTuple

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics

from telemetry.process import tally

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Ready = Callable[[], Mapping[str, object]]

_END = b"# EOF\n"


class Answer(NamedTuple):
    """A whole HTTP answer."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


def render(accept: str | None, registry: CollectorRegistry = tally.registry) -> tuple[bytes, str]:
    """All metrics as `(body, content type)`: OpenMetrics if the Accept header names it, else Prometheus' text.

    About 12 µs a line, so in an event loop `render_in_turns` is better. Sources: OpenMetrics 1.0, Prometheus text
    format 0.0.4. The library's own choice by Accept is not used: it fails on a version that is no number.
    """
    content_type = _content_type(accept or "")
    return b"".join(_pieces(registry, content_type)), content_type


async def render_in_turns(accept: str | None, registry: CollectorRegistry = tally.registry) -> tuple[bytes, str]:
    """The same as `render`, letting the event loop go on between two metrics, so that no stream waits for all."""
    content_type = _content_type(accept or "")
    pieces = []
    for piece in _pieces(registry, content_type):
        pieces.append(piece)
        await asyncio.sleep(0)
    return b"".join(pieces), content_type


def observe_app(ready: Ready) -> App:
    """An ASGI app for a process without a web framework; serve it with `lifespan="off"`.

    `/metrics`; `/healthz`: 200 while the process can answer; `/readyz`: the JSON of `ready()`, 200 if its `ready` is
    true, else 503. Other paths get 404, other methods than GET and HEAD 405, as Anthropic errors.
    """

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"only http is served here, not {scope['type']}")
        await _send(send, await _answer(scope, ready), with_body=scope["method"] != "HEAD")

    return app


class _Only:
    """A registry of one metric, as the encoders want it."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> list[Metric]:
        return [self._family]


def _content_type(accept: str) -> str:
    ranges = (part.split(";")[0].strip().lower() for part in accept.split(","))
    named = "application/openmetrics-text" in ranges
    return openmetrics.CONTENT_TYPE_LATEST if named else CONTENT_TYPE_PLAIN_0_0_4


def _pieces(registry: CollectorRegistry, content_type: str) -> Iterator[bytes]:
    if content_type == CONTENT_TYPE_PLAIN_0_0_4:
        for family in registry.collect():
            yield generate_latest(_Only(family))
        return
    for family in registry.collect():
        piece: bytes = openmetrics.generate_latest(_Only(family))  # type: ignore[no-untyped-call]  # untyped there
        yield piece.removesuffix(_END)
    yield _END


async def _answer(scope: Message, ready: Ready) -> Answer:
    path = scope["path"]
    if path not in ("/metrics", "/healthz", "/readyz"):
        return _error(404, "not_found_error", "There is nothing here; try /metrics, /healthz or /readyz.")
    if scope["method"] not in ("GET", "HEAD"):
        problem = f"The method {scope['method']} is not allowed here, only GET and HEAD are."
        return _error(405, "invalid_request_error", problem, ((b"allow", b"GET, HEAD"),))
    if path == "/metrics":
        return Answer(200, *await render_in_turns(_accept(scope)))
    if path == "/healthz":
        return _json(200, {"status": "ok"})
    state = ready()
    return _json(200 if state["ready"] is True else 503, state)


def _accept(scope: Message) -> str:
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"accept")


def _error(status: int, kind: str, message: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return _json(status, {"type": "error", "error": {"type": kind, "message": message}}, headers)


def _json(status: int, value: Mapping[str, object], headers: tuple[tuple[bytes, bytes], ...] = ()) -> Answer:
    return Answer(status, json.dumps(dict(value)).encode(), "application/json", headers)


async def _send(send: Send, answer: Answer, *, with_body: bool) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})
