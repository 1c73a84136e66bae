"""An upstream that does on the wire exactly what a test tells it, however evil.

Invariant: every request is recorded as it came; every connection is counted, and its closing noticed.
Does not know: Claude.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field


@dataclass
class Received:
    """One request: its line, its headers (names in lower case), its body byte for byte."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Wire:
    """The server's side of all connections. `asked` is set by a request, `left` when a client closed its connection."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)


Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


class HangUp(Exception):
    """A reply raises it to close the connection behind what it wrote."""


@contextlib.asynccontextmanager
async def serving(reply: Reply) -> AsyncIterator[Wire]:
    """Answer every request by `reply`, until the block is left."""
    wire = Wire()
    open_writers: set[asyncio.StreamWriter] = set()
    connections: set[asyncio.Task[None] | None] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.connections += 1
        open_writers.add(writer)
        connections.add(asyncio.current_task())
        with contextlib.suppress(HangUp, ConnectionError):
            while True:
                wire.requests.append(await _received(reader, wire))
                wire.asked.set()
                replying = asyncio.ensure_future(reply(writer))
                await _replied_or_left(replying, reader, wire)
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        for writer in open_writers:
            writer.transport.abort()
        await asyncio.gather(*filter(None, connections))


async def _received(reader: asyncio.StreamReader, wire: Wire) -> Received:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        wire.left.set()
        raise HangUp from None
    line, *fields = head.rstrip().split("\r\n")
    headers = {name.lower(): value for name, value in (text.split(": ", 1) for text in fields)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Received(line, headers, body)


async def _replied_or_left(replying: "asyncio.Future[None]", reader: asyncio.StreamReader, wire: Wire) -> None:
    """Nothing more is read while a reply is open, so the next thing that can come is the client's leaving."""
    leaving = asyncio.ensure_future(_at_eof(reader))
    await asyncio.wait((replying, leaving), return_when=asyncio.FIRST_COMPLETED)
    if leaving.done():
        wire.left.set()
        replying.cancel()
        raise HangUp
    leaving.cancel()
    await asyncio.wait((leaving,))
    replying.result()


async def _at_eof(reader: asyncio.StreamReader) -> None:
    while await reader.read(1):
        raise AssertionError("a client sent more while its reply was open")


def head(status: int = 200, /, **headers: str) -> bytes:
    """A response head; `content_type` stands for content-type, and so on. Chunked unless a length is given."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if "content-length" not in named:
        named["transfer-encoding"] = "chunked"
    return b"".join(
        [b"HTTP/1.1 %d Said\r\n" % status, *(f"{name}: {value}\r\n".encode() for name, value in named.items()), b"\r\n"]
    )


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body; the empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def whole(status: int, body: bytes, **headers: str) -> Reply:
    """The same complete response to every request."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head(status, content_length=str(len(body)), **headers) + body)

    return reply


def streamed(*pieces: bytes, **headers: str) -> Reply:
    """A complete chunked response, each piece a chunk."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head(**headers) + b"".join(map(chunk, pieces)) + chunk(b""))

    return reply


def broken(*written: bytes) -> Reply:
    """These bytes, then the connection is closed."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(written))
        raise HangUp

    return reply


def silent(*written: bytes) -> Reply:
    """These bytes, then nothing until the client leaves."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"".join(written))
        await asyncio.Event().wait()

    return reply
