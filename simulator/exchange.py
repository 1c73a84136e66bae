"""One response on its way out: the head, the body in pieces or whole, and how it ends.

Invariant: bytes go out only between `begin` and one ending (`end`, `close` or `reset`); later ones are dropped
with the connection. Does not know what the bytes mean, nor when they are due.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable

from simulator.http import LAST_CHUNK, Headers, chunk, response_head

_LINGER_ZERO = struct.pack("ii", 1, 0)


def _nothing() -> None:
    return None


class Exchange:
    """The answer to one request. Set `on_gone` and `on_writable` before you wait for either."""

    def __init__(
        self, transport: asyncio.Transport, *, body_wanted: bool, keep_alive: bool, on_done: Callable[[], None]
    ) -> None:
        self.on_gone: Callable[[], None] = _nothing
        """Called once when the client left before the answer ended."""
        self.on_writable: Callable[[], None] = _nothing
        """Called when `paused` turned false again."""
        self.begun = False
        """The head was sent: no other answer is possible."""
        self.paused = False
        """The client does not read: stop writing until `on_writable`."""
        self._transport = transport
        self._body_wanted = body_wanted
        self._keep_alive = keep_alive
        self._on_done = on_done
        self._chunked = False

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole response at once."""
        self.begin(status, headers, length=len(body))
        if body:
            self.write(body)
        self.end()

    def begin(self, status: int, headers: Headers, length: int | None) -> None:
        """Send the head. Without a `length` in bytes the body is chunked."""
        self.begun = True
        self._chunked = length is None
        framing = ("transfer-encoding", "chunked") if length is None else ("content-length", str(length))
        connection = ("connection", "keep-alive" if self._keep_alive else "close")
        self._transport.write(response_head(status, (*headers, framing, connection)))

    def write(self, data: bytes) -> None:
        """Send a piece of the body, not empty; nothing of it goes out as the answer to a HEAD."""
        if self._body_wanted:
            self._transport.write(chunk(data) if self._chunked else data)

    def end(self) -> None:
        """End the response as HTTP wants it; the connection may serve the next request."""
        if self._chunked and self._body_wanted:
            self._transport.write(LAST_CHUNK)
        if not self._keep_alive:
            self._transport.close()
        self._on_done()

    def close(self) -> None:
        """Close the connection behind what was written: no last chunk, a FIN."""
        self._transport.close()

    def reset(self) -> None:
        """Close the connection with a RST, as a crashed peer or a middle box does."""
        raw: socket.socket = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self._transport.close()
