"""One client connection: bytes in, whole requests out to the app, one answer at a time.

Invariant: answers leave in the order of their requests, and a client that leaves is known at once, because
reading never pauses while an answer is open. Does not know any route.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import cast

import httptools

from simulator.errors import ApiError
from simulator.exchange import Exchange
from simulator.headers import new_id
from simulator.http import HttpRequest
from simulator.refusal import refuse

MAX_BODY_BYTES = 32 * 1024 * 1024
"""The limit of Claude's Messages API (its page "Errors", request_too_large)."""
MAX_HEADER_BYTES = 64 * 1024
MAX_PIPELINED = 16
MAX_BUFFERED_BYTES = 256 * 1024
"""Unsent bytes above which an answer waits for its reader."""
IDLE_S = 120.0
"""How long a connection may take to bring a whole request."""

App = Callable[[HttpRequest, Exchange], None]


class Connection(asyncio.Protocol):
    """HTTP/1.1 on one socket; every whole request is handed to `app` together with its Exchange."""

    def __init__(self, app: App, connections: set[Connection]) -> None:
        self._app = app
        self._connections = connections
        self._waiting: deque[tuple[HttpRequest, bool]] = deque()
        self._open: Exchange | None = None
        self._idle: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport without being one.
        self._transport = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self._transport.set_write_buffer_limits(high=MAX_BUFFERED_BYTES)
        self._parser = httptools.HttpRequestParser(self)
        self._watch_idle()

    def abort(self) -> None:
        """Drop the connection with everything that is not sent yet."""
        self._transport.abort()

    # what the socket says

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._refuse(error.__context__ if isinstance(error.__context__, ApiError) else ApiError(400))
            return
        if len(self._waiting) > MAX_PIPELINED:
            self.abort()
        self._next()

    def eof_received(self) -> bool:
        # A client that only half-closes is taken for one that left, as proxies do: waiting for the rest of the
        # answer to be written would hide its leaving.
        self.abort()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._forget_idle()
        gone, self._open = self._open, None
        if gone is not None:
            gone.on_gone()

    def pause_writing(self) -> None:
        if self._open is not None:
            self._open.paused = True

    def resume_writing(self) -> None:
        if self._open is not None:
            self._open.paused = False
            self._open.on_writable()

    # what the parser says

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._header_size = 0
        self._body: list[bytes] = []
        self._body_size = 0

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._count_header(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_header(len(name) + len(value))
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        # A header that comes twice is one list (RFC 9110, 5.3): both values are evidence.
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        if self._parser.get_http_version() != "1.1":
            raise ApiError(505)
        if self._headers.get("expect", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_size += len(body)
        if self._body_size <= MAX_BODY_BYTES:
            self._body.append(body)
        else:
            # The rest is read and thrown away: a client that is still sending would never see the answer.
            self._body.clear()
        if self._body_size > 2 * MAX_BODY_BYTES:
            self.abort()

    def on_message_complete(self) -> None:
        url = httptools.parse_url(self._url)
        request = HttpRequest(
            method=self._parser.get_method().decode("latin-1"),
            path=url.path.decode("latin-1"),
            query=(url.query or b"").decode("latin-1"),
            headers=self._headers,
            body=b"".join(self._body),
            body_size=self._body_size,
            too_large=self._body_size > MAX_BODY_BYTES,
            arrived_s=time.monotonic(),
        )
        self._waiting.append((request, self._parser.should_keep_alive()))

    # one answer at a time

    def _next(self) -> None:
        if self._open is not None or not self._waiting or self._transport.is_closing():
            return
        self._forget_idle()
        request, keep_alive = self._waiting.popleft()
        self._open = Exchange(
            self._transport,
            body_wanted=request.method != "HEAD",
            keep_alive=keep_alive,
            on_done=self._done,
        )
        self._app(request, self._open)

    def _done(self) -> None:
        self._open = None
        self._watch_idle()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)

    def _refuse(self, refusal: ApiError) -> None:
        """Answer what is no request, and close: where the next one would begin is unknown."""
        if self._open is not None:
            self.abort()
            return
        exchange = Exchange(self._transport, body_wanted=True, keep_alive=False, on_done=self._forget_idle)
        refuse(exchange, refusal, new_id("req"))

    def _count_header(self, size: int) -> None:
        self._header_size += size
        if self._header_size > MAX_HEADER_BYTES:
            raise ApiError(431)

    def _watch_idle(self) -> None:
        self._idle = asyncio.get_running_loop().call_later(IDLE_S, self.abort)

    def _forget_idle(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
