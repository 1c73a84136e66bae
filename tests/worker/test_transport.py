"""worker/transport.py and worker/wire.py: one exchange at a time on each connection, kept only after a proper end."""

import asyncio

import httpx2
import pytest

from streamlog.jobs import Request
from tests.support.facts import until
from tests.worker import wire
from tests.worker.calls import ANSWER, calling, paced, parts, read, request
from tests.worker.wire import HangUp, chunk, head, serving
from worker.retries import UpstreamFailed
from worker.transport import DirectTransport
from worker.upstream import Upstream

END = chunk(b"")


def answered_together(number: int) -> wire.Reply:
    """The first so many calls are answered once all of them are there, later ones at once."""
    together, left = asyncio.Barrier(number), number

    async def reply(writer: asyncio.StreamWriter) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            await together.wait()
        writer.write(head() + chunk(ANSWER) + END)

    return reply


async def test_concurrent_calls_have_connections_of_their_own_and_later_ones_use_them_again() -> None:
    """Five streams at once are five connections, and so are the fifty calls after them."""
    async with serving(answered_together(5)) as served, calling(served.url) as upstream:
        assert await asyncio.gather(*(read(upstream) for _ in range(5))) == [ANSWER] * 5
        for _ in range(50):
            await read(upstream)
        assert (len(served.requests), served.connections) == (55, 5)


async def test_no_more_idle_connections_are_kept_than_there_are_slots() -> None:
    """The sixth of six is closed after its answer."""
    async with serving(answered_together(6)) as served, calling(served.url, connections=5) as upstream:
        await asyncio.gather(*(read(upstream) for _ in range(6)))
        await asyncio.wait_for(served.left.wait(), 1)


@pytest.mark.parametrize(
    "reply",
    [
        wire.streamed(ANSWER, connection="close"),
        wire.whole(200, ANSWER, connection="close"),
    ],
)
async def test_a_connection_that_the_upstream_wants_to_close_is_not_used_again(reply: wire.Reply) -> None:
    """Each call gets its whole answer on a connection of its own."""
    async with serving(reply) as served, calling(served.url) as upstream:
        assert [await read(upstream) for _ in range(3)] == [ANSWER] * 3
        assert served.connections == 3


async def test_a_connection_that_was_closed_while_idle_is_not_used_again() -> None:
    """The next call never knows."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head() + chunk(ANSWER) + END)
        await writer.drain()
        raise HangUp

    transport = DirectTransport(5, paced())
    async with serving(reply) as served, httpx2.AsyncClient(transport=transport) as client:
        for _ in range(3):
            assert (await client.get(served.url)).content == ANSWER
            await until(lambda: all(idle.closed for kept in transport._idle.values() for _, idle in kept))
        assert served.connections == 3


async def test_bytes_behind_an_answer_cost_the_connection_and_not_the_answer() -> None:
    """Both sides no longer agree where the next answer begins."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head() + chunk(ANSWER) + END + b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")

    async with serving(reply) as served, calling(served.url) as upstream:
        assert [await read(upstream) for _ in range(3)] == [ANSWER] * 3
        assert served.connections == 3


async def test_an_interim_answer_is_not_the_answer() -> None:
    """103 Early Hints, then the real one, whose headers are its own."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nrequest-id: wrong\r\n\r\n")
        writer.write(head(request_id="right") + chunk(ANSWER) + END)

    async with serving(reply) as served, calling(served.url) as upstream:
        async with upstream.open(request()) as answer:
            assert answer.headers == {"request-id": "right"}
            assert b"".join([part async for part in parts(answer)]) == ANSWER
        assert await read(upstream) == ANSWER
        assert served.connections == 1


async def test_the_reason_is_the_upstreams_own() -> None:
    """Not that of an interim answer, nor the one that the standard has for the status; of a long one the beginning."""

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        writer.write(b"HTTP/1.1 200 Very well" + b"!" * 1000 + b"\r\ncontent-length: 0\r\n\r\n")

    async with serving(reply) as served:
        async with httpx2.AsyncClient(transport=DirectTransport(1, paced())) as client:
            answers = [await client.get(served.url) for _ in range(2)]
        assert [answer.reason_phrase for answer in answers] == ["Very well".ljust(256, "!")] * 2


async def test_a_body_without_a_length_lasts_until_the_connection_ends() -> None:
    """HTTP's oldest framing; whether the message is complete the events tell."""
    reply = wire.broken(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", ANSWER)
    async with serving(reply) as served, calling(served.url) as upstream:
        assert await read(upstream) == ANSWER


async def test_what_is_not_read_is_not_taken_from_the_upstream() -> None:
    """A stream nobody reads holds a bounded part of itself here; the rest waits in the upstream's socket."""
    written = 0

    async def reply(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(head())
        while written < 64 << 20:
            writer.write(chunk(b"x" * 65536))
            await writer.drain()
            written += 65536
        writer.write(END)

    async with serving(reply) as served, calling(served.url) as upstream, upstream.open(request()) as answer:
        before = -1
        while written > before:
            before = written
            await asyncio.sleep(0.1)
        assert 0 < written < 16 << 20
        assert sum([len(part) async for part in parts(answer)]) == 64 << 20
        assert served.connections == 1


async def test_what_is_poured_goes_past_the_one_who_reads() -> None:
    """Who reads gets the rest, in order, and the end; a read that is not taken is given whole."""
    poured: list[bytes] = []
    gone_on = [asyncio.Event() for _ in range(3)]

    def pour(part: bytes) -> int | None:
        if part.startswith(b"p"):
            poured.append(part)
            return 1
        return None

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head())
        for said, go_on in zip((chunk(b"p1"), chunk(b"a") + chunk(b"p2"), chunk(b"p3") + END), gone_on, strict=True):
            await go_on.wait()
            writer.write(said)

    async with serving(reply) as served, calling(served.url) as upstream, upstream.open(request()) as answer:
        reading = asyncio.create_task(answer.read(pour))
        gone_on[0].set()
        await until(lambda: poured == [b"p1"])
        assert not reading.done()
        gone_on[1].set()
        assert await reading == b"ap2"
        gone_on[2].set()
        assert await answer.read(pour) == b""
        assert poured == [b"p1", b"p3"]


async def test_what_is_poured_is_no_silence() -> None:
    """The time runs from the last part on, whoever took it."""
    parts_s = 0.1

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head())
        for _ in range(10):
            await asyncio.sleep(parts_s)
            writer.write(chunk(b"part"))
        await asyncio.Event().wait()

    async with serving(reply) as served, calling(served.url, idle_s=5 * parts_s) as upstream:
        poured = bytearray()

        def pour(part: bytes) -> int:
            poured.extend(part)
            return 1

        async with upstream.open(request()) as answer:
            with pytest.raises(UpstreamFailed, match="upstream_stalled"):
                await answer.read(pour)
        assert poured == b"part" * 10


async def test_a_large_request_waits_for_an_upstream_that_reads_slowly() -> None:
    """A body of some megabytes arrives whole."""
    body = b"x" * (8 << 20)
    async with serving(wire.streamed(ANSWER)) as served, calling(served.url) as upstream:
        assert await read(upstream, Request("POST", "/v1/messages", {}, body, "claude-x", True)) == ANSWER
        assert served.requests[0].body == body


async def test_an_upstream_that_answers_before_it_has_read_all() -> None:
    """Its answer counts; the rest of the request is not sent, and the connection serves nobody else."""
    connections = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head(413, content_length="2") + b"{}")
        while await reader.read(65536):
            pass
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0, limit=65536)
    async with server, calling(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as upstream:
        for calls in (1, 2):
            with pytest.raises(UpstreamFailed) as failed:
                await read(upstream, Request("POST", "/v1/messages", {}, b"x" * (32 << 20), "claude-x", True))
            assert failed.value.refusal is not None
            assert (failed.value.refusal.status, connections) == (413, calls)


async def test_an_upstream_that_takes_no_request_has_stalled() -> None:
    """It accepts the connection and reads nothing."""
    server = await asyncio.start_server(_reading_nothing, "127.0.0.1", 0, limit=1024)
    body = b"x" * (32 << 20)
    async with server, calling(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", idle_s=0.3) as upstream:
        with pytest.raises(UpstreamFailed) as failed:
            await read(upstream, Request("POST", "/v1/messages", {}, body, "claude-x", True))
    assert failed.value.code == "upstream_stalled"


async def test_closing_the_client_closes_its_idle_connections() -> None:
    """A worker that stops leaves none behind."""
    async with serving(wire.streamed(ANSWER)) as served:
        async with calling(served.url) as upstream:
            await read(upstream)
            assert not served.left.is_set()
        await until(served.left.is_set)


@pytest.mark.parametrize("address", ["ftp://127.0.0.1:1", "http://no.such.host.invalid:1"])
async def test_an_address_that_cannot_be_reached_is_named(address: str) -> None:
    """A wrong scheme or a wrong name is a failed call, not a failed worker."""
    async with calling(address) as upstream:
        assert not await _speaks(upstream)


async def _speaks(upstream: Upstream) -> bool:
    try:
        await read(upstream)
    except UpstreamFailed as failed:
        assert failed.code in ("upstream_unreachable", "upstream_cut")
        return False
    return True


async def _reading_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await asyncio.sleep(2)
    finally:
        writer.transport.abort()
