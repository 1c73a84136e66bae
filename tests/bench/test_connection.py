"""The load client takes only whole answers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import pytest

from bench.connection import Connection, connect
from bench.failure import BenchFailed
from bench.sinks import FirstToken
from bench.target import Target

WHOLE = b'event: content_block_delta\ndata: {"text":"@0 "}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'


def response(body: bytes, status: int = 200) -> bytes:
    return b"HTTP/1.1 %d Any\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)


class Upstream:
    """Answers each request, known by its blank line, with the next of `answers`; with the last it closes."""

    def __init__(self) -> None:
        self.answers: deque[bytes] = deque()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.answers.popleft())
        if self.answers:
            await self.serve(reader, writer)
        writer.close()


@pytest.fixture
async def upstream() -> AsyncIterator[tuple[Upstream, Connection]]:
    """One that answers, and a connection to it."""
    answering = Upstream()
    async with await asyncio.start_server(answering.serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        (connection,) = await connect(Target("any", host, port), 1)
        yield answering, connection
        connection.close()


async def ask(connection: Connection) -> FirstToken:
    sink = FirstToken()
    async with asyncio.timeout(5):
        await connection.ask(b"POST / HTTP/1.1\r\n\r\n", sink)
    return sink


async def test_answers_follow_each_other_on_one_connection(upstream: tuple[Upstream, Connection]) -> None:
    """Two whole answers, each timed from its own request."""
    answering, connection = upstream
    answering.answers += [response(WHOLE), response(WHOLE)]
    assert (await ask(connection)).delay_ns > 0
    assert (await ask(connection)).delay_ns > 0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (response(b"busy", 529), "status 529.*busy"),
        (response(WHOLE, 202), "status 202"),
        (response(WHOLE[:-1]), "status 200.*message_stop"),
        (response(WHOLE)[:-1], "lost in the middle"),
        (b"", "lost in the middle"),
    ],
    ids=["refused", "other", "short", "cut", "nothing"],
)
async def test_what_is_no_whole_answer_is_a_failure(
    upstream: tuple[Upstream, Connection], answer: bytes, why: str
) -> None:
    """A refusal, another status, no message_stop, a cut, and silence: each ends the run."""
    answering, connection = upstream
    answering.answers.append(answer)
    with pytest.raises(BenchFailed, match=why):
        await ask(connection)


async def test_nobody_listens() -> None:
    """A target that takes no connection is named."""
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
    with pytest.raises(BenchFailed, match="gone takes no connection"):
        await connect(Target("gone", host, port), 1)
