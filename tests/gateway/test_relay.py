"""gateway/relay.py: bounded memory for slow readers, pings in silence, and a time to first token that adds up."""

import asyncio
import json
import socket
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest

from gateway import sse
from gateway.relay import ReaderStalled, Relay, head_headers
from gateway.service import Submitted, now
from gateway.subscribers import Subscriber
from streamlog.errors import InternalError
from streamlog.follow import Batch, Follower
from streamlog.hub import BUFFER_BYTES
from streamlog.jobs import UpstreamHead
from streamlog.lifecycle import State
from streamlog.log import PAGE_BYTES
from streamlog.positions import Position
from telemetry import facts
from tests.gateway.house import MESSAGE, House, open_house
from tests.support import said
from tests.support.facts import true
from tests.support.series import Moved
from tests.support.sse import frames
from tests.support.valkey import Valkey

TTFT = ("sluice_time_to_first_token_seconds_count",)
LAG = ("sluice_relay_lag_seconds_count",)


# slow readers


async def stalled(house: House, job_id: str) -> socket.socket:
    """An open follow response whose client reads nothing, with small buffers."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    host, port = house.url.removeprefix("http://").split(":")
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (host, int(port)))
    await loop.sock_sendall(
        client, f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nhost: x\r\nx-api-key: client-key\r\n\r\n".encode()
    )
    return client


async def read_all(client: socket.socket) -> bytes:
    """The chunked body that the client reads at last, to its proper end."""
    received = bytearray()
    loop = asyncio.get_running_loop()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    while not received.endswith(b"\r\n0\r\n\r\n"):
        data = await asyncio.wait_for(loop.sock_recv(client, 1 << 20), 5)
        assert data, "the connection was closed before the end of the body"
        received += data
    return _unchunked(bytes(received))


def _unchunked(response: bytes) -> bytes:
    parts: list[bytes] = []
    at = response.index(b"\r\n\r\n") + 4
    while not response.startswith(b"0\r\n", at):
        end = response.index(b"\r\n", at)
        size = int(response[at:end], 16)
        parts.append(response[end + 2 : end + 2 + size])
        at = end + 4 + size
    return b"".join(parts)


async def test_a_reader_that_stops_uses_bounded_memory_and_catches_up(valkey: Valkey, moved: Moved) -> None:
    """While it takes nothing, 8 MiB pass it by; what it missed comes from the log, every byte once."""
    async with open_house(valkey.url, send_s=30.0) as house:
        await house.api.submit(MESSAGE)
        hand = await house.claimed()
        client = await stalled(house, hand.job_id)
        await house.subscribers(1)
        (subscriber,) = house.service.subscribers._open
        listener = subscriber.follower._listener
        await hand.says(said.start())
        most = 0
        for _ in range(128):
            await hand.says(said.text("x" * 65536))
            most = max(most, listener._bytes)
        await hand.says(said.STOP, mark="done")
        assert most <= BUFFER_BYTES
        (connection,) = [one for one in _connections(house) if one.get_write_buffer_size()]
        assert connection.get_write_buffer_size() <= PAGE_BYTES + 3 * 65536
        body = await read_all(client)
        assert body.replace(sse.ping(), b"") == await house.world.frames(hand.job_id)
        client.close()
    assert moved.by("sluice_replays_total", "reason=overflow") > 0


async def test_a_slow_reader_slows_nobody_else(valkey: Valkey) -> None:
    """Another follower of the same job has its end while the first has read nothing."""
    async with open_house(valkey.url) as house:
        await house.api.submit(MESSAGE)
        hand = await house.claimed()
        client = await stalled(house, hand.job_id)
        await house.subscribers(1)
        quick = asyncio.create_task(house.api.followed(hand.job_id))
        await house.subscribers(2)
        for _ in range(64):
            await hand.says(said.text("x" * 65536))
        await hand.says(said.STOP, mark="done")
        assert len(frames((await asyncio.wait_for(quick, 5)).events)) == 65
        client.close()


async def test_a_reader_that_takes_nothing_is_let_go(valkey: Valkey) -> None:
    """After the send timeout; its attached job then has nobody."""
    async with open_house(valkey.url, send_s=0.3) as house:
        await house.api.submit(MESSAGE)
        hand = await house.claimed()
        client = await stalled(house, hand.job_id)
        await house.subscribers(1)
        for _ in range(64):
            await hand.says(said.text("x" * 65536))
        await house.subscribers(0, within_s=3)

        async def known() -> bool:
            return await house.world.call("HGET", house.world.keys.record(hand.job_id), "left_ms") is not None

        await true(known, 2)
        assert await house.world.state(hand.job_id) is State.RUNNING
        client.close()


# one response, without a socket


class Scripted(Follower):
    """A follower that gives what it is told, then waits."""

    def __init__(self, *batches: Batch | None) -> None:
        self.job_id = "job_" + "x" * 22
        self.ended = False
        self.interrupted = False
        self.batches = list(batches)

    def interrupt(self) -> None:
        self.interrupted = True

    async def next(self, timeout_s: float, pour: Callable[[bytes], bool] | None = None) -> Batch | None:
        return self.batches.pop(0)


def batch(data: bytes, mark: str = "", head: bytes = b"") -> Batch:
    return Batch(data, Position(1, 1), mark, head, 2_000_000)


def submitted(*, accepted: float = 0.0, joined: bool = False) -> Submitted:
    return Submitted("job_1", "req_1", "claude-test", 1_900_000, joined, accepted, hold_s=5.0, ping_s=0.2)


async def relayed(house: House, *batches: Batch | None, job: Submitted | None = None) -> list[bytes]:
    """The body parts that a relay sends for these batches."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    subscriber = Subscriber(Scripted(*batches[1:]), resumes=False)
    await Relay(house.service, subscriber, send, "req_1", 0.2, job).run(batches[0])
    assert [message["more_body"] for message in sent] == [True] * (len(sent) - 1) + [False]
    return [message["body"] for message in sent]


async def test_a_silence_is_filled_with_one_ping(house: House) -> None:
    """Each time the follower has nothing; before content too."""
    parts = await relayed(house, None, batch(b"one"), None, None, batch(b"two", mark="done"))
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    assert parts == [ping, b"one", ping, ping, b"two"]


async def test_a_send_that_takes_too_long_lets_the_reader_go(valkey: Valkey) -> None:
    """It is raised, not waited for."""
    async with open_house(valkey.url, send_s=0.1) as house:

        async def never(message: MutableMapping[str, Any]) -> None:
            await asyncio.Event().wait()

        relay = Relay(house.service, Subscriber(Scripted(), resumes=True), never, "req_1", 0.2)
        with pytest.raises(ReaderStalled):
            await asyncio.wait_for(relay.run(batch(b"one")), 2)


async def test_a_reader_that_takes_little_at_a_time_gets_everything(valkey: Valkey) -> None:
    """A page of the log may take it longer than the send timeout, as long as it takes something meanwhile."""
    data = b"x" * (256 * 1024)
    async with open_house(valkey.url, send_s=0.3) as house:
        taken = []

        async def slowly(message: MutableMapping[str, Any]) -> None:
            await asyncio.sleep(len(message["body"]) / (512 * 1024))
            taken.append(message["body"])

        relay = Relay(house.service, Subscriber(Scripted(), resumes=True), slowly, "req_1", 0.2)
        await relay.run(batch(data, mark="done"))
    assert b"".join(taken) == data


async def test_a_client_that_is_gone_is_sent_no_more(house: House) -> None:
    """After a disconnect sending returns at once, so it would go on for ever."""
    subscriber = Subscriber(Scripted(*[batch(b"x")] * 100), resumes=True)
    sent = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message["body"])
        subscriber.gone = len(sent) == 3

    await Relay(house.service, subscriber, send, "req_1", 0.2).run(batch(b"first"))
    assert sent == [b"first", b"x", b"x", b""]


# what is timed


async def test_the_first_token_is_timed_once_and_its_parts_add_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From accepting the request to the write; what is not relay is the time until the first chunk was stored."""
    told: list[facts.FirstContentSent] = []
    monkeypatch.setattr("gateway.relay.announce", told.append)
    job = submitted(accepted=now() - 0.25)  # stored 0.1 s after its submit
    head = json.dumps({"status": 200, "headers": {}}).encode()
    await relayed(house, None, batch(b"one", head=head), batch(b"two", mark="done", head=head), job=job)
    (fact,) = told
    assert fact.model == "claude-test"
    assert 0.25 <= fact.total_s < 1.0
    assert fact.total_s - fact.relay_s == pytest.approx(0.1)


@pytest.mark.parametrize("stream", [True, False])
async def test_each_streamed_message_is_timed_once(house: House, moved: Moved, stream: bool) -> None:
    """An answer in one piece has no first token."""
    call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE | {"stream": stream}))
    hand = await house.claimed()
    hand.writer.head = b'{"status": 200, "headers": {}}'
    if stream:
        await hand.says(*said.answer("a")[:3])
        await hand.says(*said.answer("a")[3:], mark="done")
    else:
        await hand.writer.write_whole(b"{}")
    await call
    assert (moved.by(*TTFT), moved.by(*LAG)) == ((1, 1) if stream else (0, 0))


async def test_an_error_is_no_first_token(brief: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the upstream's head came before it: nothing of an answer was sent."""
    told: list[facts.FirstContentSent] = []
    monkeypatch.setattr("gateway.relay.announce", told.append)
    async with brief.api.stream(MESSAGE) as stream:
        hand = await brief.claimed()
        hand.writer.head = b'{"status": 200, "headers": {}}'
        await hand.says(said.error(), mark="failed", code="upstream_cut")
        await stream.rest()
    assert stream.events[-1].name == "error"
    assert told == []


async def test_a_first_token_after_pings_is_timed(brief: House, moved: Moved) -> None:
    """Pings of ours are no content."""
    moved = Moved()
    async with brief.api.stream(MESSAGE) as stream:
        await stream.until(lambda event: event.name == "ping")
        hand = await brief.claimed()
        hand.writer.head = b'{"status": 200, "headers": {}}'
        await hand.says(*said.answer("a"), mark="done")
        await stream.rest()
    assert moved.by(*TTFT) == 1


def test_headers_of_a_response() -> None:
    """The upstream's request id comes before ours; its content type is its own affair."""
    headers = {"request-id": "req_up", "content-type": "x/y", "anthropic-x": "1"}
    head = UpstreamHead(status=200, headers=headers)
    expected = {"request-id": "req_up", "anthropic-x": "1", "sluice-job-id": "job_1"}
    job = submitted()
    assert head_headers(head, job) == expected
    assert head_headers(json.dumps(head).encode(), job) == expected
    assert head_headers(b"", job) == {"request-id": "req_1", "sluice-job-id": "job_1"}
    joined = expected | {"idempotent-replayed": "true"}
    assert head_headers(head, submitted(joined=True)) == joined


@pytest.mark.parametrize("head", [b"{", b"\x80\x04", b'{"headers": {"retry-after": "1\\r\\nset-cookie: a"}}'])
def test_a_garbled_head_is_an_error_by_name(head: bytes) -> None:
    """It was found in Redis: nothing of it may become a header."""
    with pytest.raises(InternalError) as lost:
        head_headers(head, submitted())
    assert lost.value.code == "stream_lost"


def _connections(house: House) -> list[Any]:
    return [connection.transport for connection in house.server.server_state.connections]
