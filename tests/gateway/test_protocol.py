"""gateway/protocol.py: a request's head is bounded, and what is not HTTP gets one Anthropic error."""

import asyncio
import contextlib
import json
from typing import Any

import pytest

from gateway import protocol
from gateway.protocol import MAX_HEAD_BYTES, MAX_HEADERS, Pouring, Protocol
from tests.gateway.house import MESSAGE, House, open_house
from tests.support import said
from tests.support.facts import until
from tests.support.valkey import Valkey

GET = b"GET /healthz HTTP/1.1\r\nhost: here\r\n"
LARGE = b"x" * MAX_HEAD_BYTES


async def connected(house: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))


async def answered(house: House, *writes: bytes) -> tuple[int, dict[bytes, bytes], Any]:
    """Status, headers and JSON that these bytes are answered with; the connection is closed after it."""
    reader, writer = await connected(house)
    for data in writes:
        writer.write(data)
        await writer.drain()
    received = await asyncio.wait_for(reader.read(), 3)
    writer.close()
    head, _, body = received.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    return int(line.split(b" ")[1]), dict(field.split(b": ", 1) for field in fields), json.loads(body)


async def heard(house: House, sent: bytes) -> tuple[Protocol, asyncio.StreamWriter]:
    """The gateway's side of the only connection, once it has answered this, and the way to close it."""
    reader, writer = await connected(house)
    writer.write(sent)
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
    (serving,) = house.server.server_state.connections
    assert isinstance(serving, Protocol)
    return serving, writer


async def gone(house: House, writer: asyncio.StreamWriter) -> None:
    """The client leaves, and the gateway has noticed."""
    writer.close()
    await until(lambda: not house.server.server_state.connections)


@pytest.mark.parametrize(
    "writes",
    [
        (GET + b"x: " + LARGE + b"\r\n\r\n",),
        (GET, *(b"x-%d: %b\r\n" % (number, b"y" * 1000) for number in range(70)), b"\r\n"),
        (b"GET /" + LARGE + b" HTTP/1.1\r\nhost: here\r\n\r\n",),
        (GET + b"x: ", *[b"y" * 8192] * 60),  # the limit, and one read more
    ],
    ids=["one header", "many headers", "the line", "a header without end"],
)
async def test_a_head_beyond_its_limit_is_refused(house: House, writes: tuple[bytes, ...]) -> None:
    """As soon as that is known; the sentence names the limit."""
    status, headers, body = await answered(house, *writes)
    assert 400 <= status < 500
    assert body["error"]["details"] == {"error_code": "headers_too_large"}
    assert str(MAX_HEAD_BYTES) in body["error"]["message"]
    assert body["request_id"].encode() == headers[b"request-id"]
    assert headers[b"connection"] == b"close"


async def test_a_head_of_many_small_headers_is_refused(house: House) -> None:
    """Within the bytes, but beyond the number: each costs work of its own, above all where they repeat."""
    status, _, body = await answered(house, GET, *[b"anthropic-beta: x\r\n"] * MAX_HEADERS, b"\r\n")
    assert status == 431
    assert body["error"]["details"] == {"error_code": "headers_too_large"}
    assert str(MAX_HEADERS) in body["error"]["message"]


async def test_trailers_count_as_headers(house: House) -> None:
    """What follows the last chunk is no way around the limit."""
    head = b"POST /v1/messages HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
    status, _, body = await answered(house, head, *[b"x: y\r\n"] * MAX_HEADERS, b"\r\n")
    assert (status, body["error"]["details"]) == (431, {"error_code": "headers_too_large"})


@pytest.mark.parametrize(
    "sent", [b"\x16\x03\x01\x02\x00\x01\x00\x01", b"SSH-2.0-x\r\n", b"GET / HTTP/9\r\n\r\n", b"hello\r\n\r\n"]
)
async def test_what_is_not_http_is_refused(house: House, sent: bytes) -> None:
    """In the same shape, whoever may read it."""
    status, _, body = await answered(house, sent)
    assert (status, body["error"]["type"]) == (400, "invalid_request_error")


async def test_a_head_just_within_its_limit_is_taken(house: House) -> None:
    """Long cookies are not forbidden."""
    status, _, body = await answered(house, GET + b"connection: close\r\nx: " + LARGE[:-1000] + b"\r\n\r\n")
    assert (status, body) == (200, {"status": "ok"})


async def test_the_limit_is_one_requests_and_not_the_connections(house: House) -> None:
    """A client that keeps its connection may send as many heads as it likes."""
    reader, writer = await connected(house)
    for _ in range(5):
        writer.write(GET + b"x: " + LARGE[: MAX_HEAD_BYTES // 2] + b"\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
        assert head.startswith(b"HTTP/1.1 200 ")
        await reader.readexactly(len(b'{"status": "ok"}'))
    writer.close()


async def test_garbage_behind_a_request_is_never_mixed_into_its_answer(house: House) -> None:
    """The connection is closed instead."""
    body = json.dumps(MESSAGE).encode()
    reader, writer = await connected(house)
    writer.write(b"POST /v1/messages HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"))
    received = await asyncio.wait_for(reader.readuntil(b'"text": "a"'), 3)
    writer.write(b"\x00garbage\r\n\r\n")
    with contextlib.suppress(ConnectionResetError):
        received += await asyncio.wait_for(reader.read(), 3)
    writer.close()
    assert received.count(b"HTTP/1.1") == 1
    assert b"invalid_request" not in received


POST = b"POST /v1/messages HTTP/1.1\r\nhost: here\r\n"
TOO_LARGE = POST + b"content-length: %d\r\n" % (40 << 20)


async def test_a_client_that_still_sends_can_read_its_refusal(house: House) -> None:
    """The answer says that it is the last one; what the client goes on to send is read, and no reset destroys it."""
    reader, writer = await connected(house)
    writer.write(TOO_LARGE + b"\r\n")
    for _ in range(16):
        writer.write(b"x" * (1 << 20))
        await writer.drain()
    received = await asyncio.wait_for(reader.read(), 3)
    writer.write(b"x" * (1 << 20))
    await writer.drain()
    writer.close()
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nconnection: close\r\n" in received


async def test_last_words_have_a_limit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can send for ever to somebody who no longer listens."""
    monkeypatch.setattr(protocol, "_LAST_WORDS_BYTES", 4 << 20)
    reader, writer = await connected(house)
    writer.write(TOO_LARGE + b"\r\n")
    assert (await asyncio.wait_for(reader.read(), 3)).startswith(b"HTTP/1.1 413 ")
    with pytest.raises(ConnectionError):
        for _ in range(64):
            writer.write(b"x" * (1 << 20))
            await writer.drain()


async def test_last_words_have_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that neither sends nor leaves does not hold its connection."""
    monkeypatch.setattr(protocol, "_LAST_WORDS_S", 0.1)
    reader, writer = await connected(house)
    writer.write(TOO_LARGE + b"\r\n")
    await asyncio.wait_for(reader.read(), 3)
    await until(lambda: not house.server.server_state.connections, 3)
    writer.close()


async def test_a_refusal_of_a_whole_request_keeps_the_connection(house: House) -> None:
    """What has been read to its end leaves no doubt where the next request begins."""
    reader, writer = await connected(house)
    for _ in range(3):
        writer.write(POST + b"content-length: 2\r\n\r\n{}")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
        assert head.startswith(b"HTTP/1.1 400 ")
        assert b"connection: close" not in head
        await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    writer.close()


async def test_100_continue_is_said_when_the_body_is_wanted(house: House) -> None:
    """And only then does the client send it."""
    reader, writer = await connected(house)
    writer.write(POST + b"content-length: 2\r\nexpect: 100-continue\r\n\r\n")
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)).startswith(b"HTTP/1.1 400 ")
    writer.close()


async def test_100_continue_is_not_said_for_a_body_that_is_too_large(house: House) -> None:
    """Nothing of it is sent in vain, and nothing that follows is taken for it."""
    status, headers, body = await answered(house, TOO_LARGE + b"expect: 100-continue\r\n\r\n" + GET + b"\r\n")
    assert (status, body["error"]["type"]) == (413, "request_too_large")
    assert headers[b"connection"] == b"close"


async def test_a_broken_chunk_is_told(house: House) -> None:
    """In the middle of a body that somebody already waits for."""
    reader, writer = await connected(house)
    writer.write(POST + b"transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n")
    await until(lambda: house.server.server_state.tasks)
    writer.write(b"banana\r\n")
    received = await asyncio.wait_for(reader.read(), 3)
    writer.close()
    assert received.startswith(b"HTTP/1.1 400 ")
    assert received.count(b"\r\n\r\n") == 1
    assert await house.queued() == 0


async def test_529_has_its_phrase(valkey: Valkey) -> None:
    """A status line without one is legal, and unlike what Claude's API sends."""
    async with open_house(valkey.url, queue_jobs=1) as house:
        await house.world.submit()
        reader, writer = await connected(house)
        body = json.dumps(MESSAGE).encode()
        writer.write(POST + b"content-length: %d\r\n\r\n" % len(body) + body)
        assert await asyncio.wait_for(reader.readline(), 3) == b"HTTP/1.1 529 Overloaded\r\n"
        writer.close()


async def test_a_refused_connection_is_forgotten_when_it_is_over(house: House) -> None:
    """Not half a minute later: many may be refused in that time."""
    protocol, writer = await heard(house, TOO_LARGE + b"\r\n")
    assert protocol._last_words_end is not None
    await gone(house, writer)
    assert protocol._last_words_end.cancelled()


async def test_an_answers_head_leaves_with_its_body(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one write, which is one packet, and one wake of its reader."""
    written: list[bytes] = []
    answers = protocol._AnswersTransport.__init__

    def made(self: protocol._AnswersTransport, of: Protocol) -> None:
        answers(self, of)
        write = self._write

        def noted(data: Any) -> None:
            written.append(data)
            write(data)

        self._write = noted

    monkeypatch.setattr(protocol._AnswersTransport, "__init__", made)
    reader, writer = await connected(house)
    writer.write(GET + b"\r\n")
    await asyncio.wait_for(reader.readuntil(b"}"), 3)
    writer.close()
    (whole,) = written
    assert whole.startswith(b"HTTP/1.1 200 OK\r\n")
    assert whole.endswith(b"}")


async def test_a_head_without_a_body_leaves_by_itself(house: House) -> None:
    """A HEAD, and an answer that has no body: the connection serves on."""
    reader, writer = await connected(house)
    for _ in range(2):
        writer.write(b"HEAD /healthz HTTP/1.1\r\nhost: here\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
        assert head.startswith(b"HTTP/1.1 ")
    writer.close()


async def test_a_client_that_left_is_told_of_at_once_to_who_comes_later(house: House) -> None:
    """Whoever begins to watch then; and nobody is told of the leaving of a client that it watches no more."""
    serving, writer = await heard(house, GET + b"\r\n")
    pouring, told = Pouring(serving, serving.cycle), []
    pouring.watch(lambda: told.append("before"))
    other = lambda: told.append("unwatched")  # noqa: E731 - it must be the same one
    pouring.watch(other)
    pouring.unwatch(other)
    await gone(house, writer)
    assert told == []
    pouring.watch(lambda: told.append("late"))
    assert told == ["late"]
