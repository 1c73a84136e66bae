"""One HTTP/1.1 connection to the upstream: asyncio's protocol below, httptools' parser inside.

Invariant: a body has ended only when its framing says so; a connection that closes earlier is an error, never a short
answer. What is received and not yet taken is bounded: beyond that the socket is not read. What is poured is read as
often as the pace allows.
Does not know: pools, TLS (the transport below does it), what the bytes mean.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools
import httpx2

from worker.pace import Pace

_MOST_BUFFERED = 256 * 1024
_AT_ONCE = 256 * 1024
_REST_S = 0.1
_REASON_BYTES = 256
_FOR_EVER_S = 10.0**6

Pour = Callable[[bytes], int | None]


class Wire(asyncio.Protocol):
    """One exchange at a time: `send`, `head`, then `read` until b"". `reusable` says whether another may follow.

    `pace` is shared by all connections whose streams take turns.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.closed = False
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._silent_at = 0.0
        self._silent = False
        self._timeout_s = _FOR_EVER_S
        self._pour: Pour | None = None
        self._begin()

    def _begin(self) -> None:
        self.headers, self.reason = [], b""
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._buffered = 0
        self._headed = False
        self._framed = False  # whether the answer says where it ends
        self._complete = False
        self._keep_alive = False
        self._broken = ""  # by what; no exception, which would hold all that it is raised through
        self._paused = False
        self._resting = False  # until it is its turn to be read
        self._asked = False
        self._sent = False

    # what the exchange is made of

    async def send(self, head: bytes, body: bytes, timeout_s: float | None) -> None:
        """Begin an exchange by writing a whole request. Raises `httpx2.WriteTimeout` or `httpx2.WriteError`."""
        if self.closed or self._transport is None:
            raise httpx2.WriteError("the connection was closed")
        self._begin()
        self._asked = True
        if len(body) <= _AT_ONCE:
            await self._write(head + body, timeout_s)
        else:
            await self._write(head, timeout_s)
            # To copy, encrypt and hand over 32 MB at once would hold up every other stream.
            for at in range(0, len(body), _AT_ONCE):
                await asyncio.sleep(0)
                if self._headed or self.closed:
                    return  # the upstream has heard enough
                await self._write(memoryview(body)[at : at + _AT_ONCE], timeout_s)
        self._sent = True

    async def _write(self, data: bytes | memoryview, timeout_s: float | None) -> None:
        assert self._transport is not None
        self._transport.write(data)
        if self._drained is not None:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._drained
            except TimeoutError:
                raise httpx2.WriteTimeout("the upstream takes no more of the request") from None

    async def head(self, timeout_s: float | None) -> None:
        """Wait until `status` and `headers` are there. Raises `httpx2.ReadTimeout` or what broke the connection."""
        while not self._headed:
            await self._more(timeout_s)

    async def read(self, timeout_s: float | None, pour: Pour | None = None) -> bytes:
        """All of the body that has come, at least one byte; b"" at its end. Raises as `head`.

        `pour` is offered what comes while this waits, without a switch of tasks; what it takes (it answers how many
        events that were, else None) is not returned, and begins the time anew. It must not wait, nor raise.
        """
        while not self._parts:
            if self._complete:
                return b""
            self._pour = pour
            try:
                await self._more(timeout_s)
            finally:
                self._pour = None
        data = self._taken()
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return data

    def _taken(self) -> bytes:
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._buffered = 0
        return data

    @property
    def reusable(self) -> bool:
        """Whether the exchange is over, in order, and both sides keep the connection."""
        return self._sent and self._complete and not self.closed and not self._parts and self._keep_alive

    def abort(self) -> None:
        """Close at once: the upstream notices that nobody listens."""
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    async def _more(self, timeout_s: float | None) -> None:
        if self._broken:
            raise httpx2.RemoteProtocolError(self._broken)
        self._waiter = self._loop.create_future()
        self._limit(timeout_s)
        try:
            await self._waiter
        finally:
            self._waiter = None
        if self._silent:
            raise httpx2.ReadTimeout(f"nothing came for {timeout_s} s")

    def _limit(self, timeout_s: float | None) -> None:
        """Whoever waits is woken after a silence. The timer is left standing and looks again: one of its own for each
        read would cost more than the read."""
        self._timeout_s = timeout_s or _FOR_EVER_S
        self._silent, self._silent_at = False, self._loop.time() + self._timeout_s
        if self._timer is not None and self._timer.when() > self._silent_at:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._silent_at, self._look_at_silence)

    def _look_at_silence(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        now = self._loop.time()
        if self._resting or now < self._silent_at:
            self._timer = self._loop.call_at(max(self._silent_at, now + _REST_S), self._look_at_silence)
        else:
            self._silent = True
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are none by type

    def data_received(self, data: bytes) -> None:
        if not self._asked or self._complete:  # nobody asked for this: the two sides no longer agree
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._broken = f"not HTTP: {error}"
            self.abort()
        if self._buffered > _MOST_BUFFERED and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        events = self._poured()
        if events is None:
            self._wake()
        else:
            self._rest(events)

    def _poured(self) -> int | None:
        """How many events were in this read, if all of it has been taken and whoever waits may go on waiting."""
        if self._pour is None or not self._parts or self._waiter is None or self._waiter.done():
            return None
        data = self._taken()
        events = self._pour(data)
        if events is None:
            self._parts.append(data)
            self._buffered = len(data)
            return None
        self._silent_at = self._loop.time() + self._timeout_s
        return None if self._complete or self._paused or self._broken else events

    def _rest(self, events: int) -> None:
        """It is another's turn to be read, if all of them are read as often as they may be."""
        if self._transport is not None and not self._pace.again(events, self._resume):
            self._resting = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        self._resting = False
        self._silent_at = self._loop.time() + self._timeout_s
        if self._transport is not None and not self.closed:  # uvloop's raises when it is closed
            self._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._headed and not self._framed and error is None:
            self._complete = True  # a body without a length lasts until the connection ends
        elif not self._complete and not self._broken:
            self._broken = "the connection was closed before the answer was complete"
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._wake()
        del self._parser  # which holds this connection, as this holds it

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None

    # httptools

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("the upstream sent more than the answer")

    def on_status(self, reason: bytes) -> None:
        self.reason = (self.reason + reason)[:_REASON_BYTES]

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        self._headed = self.status >= 200  # an interim answer is not the answer
        names = {name.lower() for name, _ in self.headers}
        self._framed = bool(names & {b"content-length", b"transfer-encoding"})

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self._buffered += len(body)

    def on_message_complete(self) -> None:
        if self._headed:
            self._complete = True
            self._keep_alive = bool(self._parser.should_keep_alive())  # afterwards the parser has forgotten it
        else:
            self.headers, self.reason = [], b""
