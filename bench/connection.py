"""The load client: one keep-alive connection, one request at a time, every read stamped with its time.

Invariant: an exchange ends well only with status 200 and its target's last event; everything else is a `BenchFailed`,
so that no figure is made of answers that were none. It builds nothing of an answer: its cost is in every figure, also
in those of the direct call.
Does not know: what is looked for in the answers (a sink does).
"""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Protocol, cast

import httptools

from bench.failure import BenchFailed
from bench.target import Target

_REFUSAL_BYTES = 500


class Sink(Protocol):
    """What an exchange is told. Times are `time.monotonic_ns()`."""

    def sent(self, now_ns: int) -> None:
        """The request is about to be written."""

    def received(self, body: bytes, now_ns: int) -> None:
        """A part of the body; `now_ns` is when its read began to be handled."""


class Connection(asyncio.Protocol):
    """Made by `connect`. `ask` may be called again when its future is done."""

    def __init__(self, target: Target) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._last = target.last
        self._quick_ack = target.quick_ack
        self._done: asyncio.Future[None] | None = None
        self._now_ns = 0
        self._tail = b""

    def ask(self, request: bytes, sink: Sink) -> asyncio.Future[None]:
        """Write a request now. The future ends with the answer; it raises BenchFailed."""
        self._done = asyncio.get_running_loop().create_future()
        self._sink = sink
        self._tail = b""
        if self._transport.is_closing():
            self._fail("the connection was closed between two requests")
        else:
            sink.sent(time.monotonic_ns())
            self._transport.write(request)
        return self._done

    def close(self) -> None:
        """Leave, also in the middle of an answer."""
        self._done = None
        self._transport.abort()

    # what the socket says

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport without being one.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._now_ns = time.monotonic_ns()
        if self._quick_ack:
            self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"the connection was lost in the middle of an answer: {error}")

    # what the parser says

    def on_body(self, body: bytes) -> None:
        self._tail = body[-_REFUSAL_BYTES:] if len(body) > 50 else (self._tail + body)[-_REFUSAL_BYTES:]
        if self._parser.get_status_code() == 200:
            self._sink.received(body, self._now_ns)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != 200 or not self._tail.endswith(self._last):
            self._fail(f"status {status}, the end of its body: {self._tail!r}")
        elif self._done is not None and not self._done.done():
            self._done.set_result(None)

    def _fail(self, why: str) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(BenchFailed(why))


async def connect(target: Target, count: int) -> list[Connection]:
    """Open so many connections. Raises BenchFailed."""
    loop = asyncio.get_running_loop()
    try:
        opened = [
            await loop.create_connection(lambda: Connection(target), target.host, port) for port in target.ports(count)
        ]
    except OSError as error:
        raise BenchFailed(f"{target.name} takes no connection: {error}") from error
    return [connection for _, connection in opened]
