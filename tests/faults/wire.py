"""One HTTP exchange on a socket of its own, every event noted with the time of its arrival.

Invariant: what arrives is appended to the `Response` as it comes, so a response that is cut keeps what it had.
Does not know: when to ask again, what events mean.
"""

import asyncio
import contextlib
import ctypes
import json
import socket
import struct
from collections.abc import Callable
from time import monotonic
from typing import Any

import httptools

from tests.faults.history import Event, Response

_SO_ATTACH_FILTER = 26
_BPF_RET = 0x06
_WHOLE, _CUT, _UNREACHABLE = "whole", "cut", "unreachable"


class Wire(asyncio.Protocol):
    """The connection of one exchange. `on_event` hears of each event right after it was noted."""

    def __init__(self, response: Response, on_event: Callable[[Event], None] | None = None) -> None:
        self.response = response
        self.over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._on_event = on_event
        self._parser = httptools.HttpResponseParser(self)
        self._rest = b""
        self._now = 0.0
        self._sse = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._now = monotonic()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._end(_CUT)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(_CUT)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.response.headers[name.decode().lower()] = value.decode()

    def on_headers_complete(self) -> None:
        self.response.status = self._parser.get_status_code()
        self._sse = self.response.headers.get("content-type", "").startswith("text/event-stream")

    def on_body(self, data: bytes) -> None:
        if not self._sse:
            self.response.body += data
            return
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for raw in whole:
            event = _read(self._now, raw + b"\n\n")
            self.response.events.append(event)
            if self._on_event is not None:
                self._on_event(event)

    def on_message_complete(self) -> None:
        self._end(_CUT if self._rest else _WHOLE)

    def _end(self, how: str) -> None:
        if not self.over.done():
            self.over.set_result(how)

    def vanish(self) -> None:
        """From now on the client's kernel drops whatever arrives, unanswered, as if its machine were gone."""
        drop = (_Filter * 1)(_Filter(_BPF_RET, 0, 0, 0))
        program = struct.pack("HxxxxxxP", 1, ctypes.addressof(drop))
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


class _Filter(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("jt", ctypes.c_ubyte),
        ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint),
    )


def _read(at: float, raw: bytes) -> Event:
    event_id = name = ""
    for line in raw.split(b"\n", 2)[:2]:
        if line.startswith(b"id: "):
            event_id = line[4:].decode()
        elif line.startswith(b"event: "):
            name = line[7:].decode()
    return Event(at, event_id, name, raw)


def request_bytes(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """A request on the wire."""
    lines = [f"{method} {path} HTTP/1.1", "host: sluice", *(f"{name}: {value}" for name, value in headers.items())]
    if method != "GET":
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def connect(url: str, wire: Wire, *, receive_bytes: int = 0) -> socket.socket:
    """Open the connection; `receive_bytes` bounds the client's kernel buffer. Raises `OSError`."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    plain = socket.socket()
    plain.setblocking(False)
    if receive_bytes:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(plain, (host, int(port)))
    except BaseException:
        plain.close()
        raise
    await loop.create_connection(lambda: wire, sock=plain)
    return plain


async def exchange(wire: Wire, sends: bytes) -> Response:
    """One request and its response, to its end. Cancelling leaves: the connection is aborted."""
    response = wire.response
    try:
        await connect(response.gateway, wire)
        wire.transport.write(sends)
        response.how = await wire.over
    except OSError:
        response.how = _UNREACHABLE
    finally:
        response.ended = monotonic()
        with contextlib.suppress(AttributeError):  # never connected
            wire.transport.abort()
    return response


async def call(url: str, method: str, path: str, headers: dict[str, str], message: Any = None) -> Response:
    """A call that is read to its end; `message` is sent as JSON, or as it is if it is bytes."""
    body = b"" if message is None else message if isinstance(message, bytes) else json.dumps(message).encode()
    response = Response(f"{method} {path}", url, monotonic())
    return await exchange(Wire(response), request_bytes(method, path, headers, body))
