"""When events go out, and what happens when nobody takes them."""

import asyncio
import re
import socket
import time
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from simulator.server import Simulator
from tests.simulator.calls import HEADERS, body, calls, events_in, streamed, text_of, whole
from tests.support.facts import fact, true

LATE_S = 0.25
"""How late a shared machine may be."""


async def arrivals(http: httpx2.AsyncClient, prompt: str) -> list[float]:
    """When each delta came, in seconds from the call."""
    started = time.monotonic()
    times: list[float] = []
    async with http.stream("POST", "/v1/messages", json=body(prompt, stream=True)) as response:
        async for part in response.aiter_raw():
            times += [time.monotonic() - started] * part.count(b"event: content_block_delta")
    return times


async def test_the_first_token_waits(http: httpx2.AsyncClient) -> None:
    """The first delta comes after first_token_ms, not earlier; the message has begun before."""
    first, *_ = await arrivals(http, "[[sim:text first_token_ms=120 events=3]]")
    assert 0.119 <= first < 0.12 + LATE_S


async def test_the_pace_has_no_drift(http: httpx2.AsyncClient) -> None:
    """No delta is early, and the last is no later than any other may be: lateness does not add up.

    At two deltas a millisecond each timer of the loop is late, so a pace counted from the last delta would take
    twice as long.
    """
    times = await arrivals(http, "[[sim:text first_token_ms=20 tps=2000 events=1000]]")
    due = [0.02 + number / 2000 for number in range(1000)]
    lateness = [time_s - due_s for time_s, due_s in zip(times, due, strict=True)]
    assert min(lateness) > -0.001
    assert lateness[-1] < LATE_S


async def test_without_a_pace_all_comes_at_once(http: httpx2.AsyncClient) -> None:
    """tps=0 sends what it has, in few writes."""
    sent = body("[[sim:text events=1000]]", stream=True)
    async with http.stream("POST", "/v1/messages", json=sent) as response:
        parts = [part async for part in response.aiter_raw()]
    assert len(parts) < 50


async def test_a_whole_body_takes_as_long_as_its_stream(http: httpx2.AsyncClient) -> None:
    """A call that does not stream is answered when its last token would have come."""
    started = time.monotonic()
    await whole(http, "[[sim:text first_token_ms=50 tps=100 events=10]]")
    assert 0.149 <= time.monotonic() - started < 0.15 + LATE_S


async def test_slow_first_token(http: httpx2.AsyncClient) -> None:
    """The scenario's wait comes before any other."""
    first, *_ = await arrivals(http, "[[sim:slow-first-token 130 first_token_ms=0 events=2]]")
    assert 0.129 <= first < 0.13 + LATE_S


async def test_stamps(http: httpx2.AsyncClient) -> None:
    """Each text delta begins with the monotonic time at which it was sent."""
    before = time.monotonic_ns()
    events = await streamed(http, "[[sim:text stamp=1 tps=500 events=20]]")
    after = time.monotonic_ns()
    texts = [event.data["delta"]["text"] for event in events if event.name == "content_block_delta"]
    stamps = [int(text.removeprefix("@").partition(" ")[0]) for text in texts]
    assert len(stamps) == 20
    assert before < stamps[0]
    assert all(earlier < later for earlier, later in pairwise(stamps))
    assert stamps[-1] < after
    plain = text_of(await streamed(http, "[[sim:text events=20]]"))
    assert "".join(re.sub(r"^@\d+ ", "", text) for text in texts) == plain


@pytest.mark.parametrize(
    "scenario",
    ["stall-before-headers", "stall-before-content", "stall-after-6", "slow-first-token-60000", "long-tps-20"],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_is_noticed(
    simulator: Simulator, http: httpx2.AsyncClient, scenario: str, stream: bool
) -> None:
    """A client's leaving ends its call within 50 ms, whatever the call waits for."""
    call = await open_call(simulator, body(model=f"claude-sim-{scenario}", stream=stream))
    await true(lambda: counts(simulator, 1))
    left = time.monotonic()
    call.close()
    await true(lambda: counts(simulator, 0))
    (seen,) = await calls(http)
    assert seen["ending"] == "client_closed"
    assert seen["ended"] - left < 0.05


async def test_a_half_closed_connection_is_a_client_that_left(simulator: Simulator) -> None:
    """A client that says it sends no more is gone, though it could still read."""
    call = await open_call(simulator, body(model="claude-sim-stall", stream=True))
    await true(lambda: counts(simulator, 1))
    call.shutdown(socket.SHUT_WR)
    await true(lambda: counts(simulator, 0))
    call.close()


async def test_a_reader_that_stops_holds_the_stream(simulator: Simulator, http: httpx2.AsyncClient) -> None:
    """Unsent bytes are bounded: events wait for their reader, and all of them come when it reads again."""
    call = await open_call(simulator, body("[[sim:text events=60000]]", max_tokens=100_000, stream=True))
    stuck_at = await fact(lambda: standing_still(simulator))
    assert stuck_at < 60_000
    received = await asyncio.get_running_loop().run_in_executor(None, read_to_the_end, call)
    assert received.count(b"event: content_block_delta") == 60_000
    assert (await calls(http))[0]["ending"] == "complete"
    call.close()


async def test_what_the_ledger_says_of_a_stream(http: httpx2.AsyncClient) -> None:
    """A finished stream has its events, its times in order, and its ending."""
    sent = body("[[sim:text first_token_ms=30 events=5]]", stream=True, metadata={"user_id": "me"})
    response = await http.post("/v1/messages", json=sent)
    (call,) = await calls(http)
    assert call["events"] == len(events_in(response.content)) == 11
    assert call["started"] + 0.029 < call["first_content"] <= call["ended"]
    assert (call["ending"], call["label"], call["status"]) == ("complete", "me", 200)
    assert call["request_id"] == response.headers["request-id"]


@pytest.mark.parametrize(
    ("scenario", "ending"),
    [
        ("cut", "cut"),
        ("no-message-stop", "cut"),
        ("error", "error"),
        ("error-first", "error"),
        ("error-mid-stream", "error"),
        ("garbage", "complete"),
    ],
)
async def test_how_the_ledger_names_endings(http: httpx2.AsyncClient, scenario: str, ending: str) -> None:
    """An answer that broke is not complete."""
    sent = body(model=f"claude-sim-{scenario}", stream=True)
    try:
        await http.post("/v1/messages", json=sent)
    except httpx2.RemoteProtocolError:
        assert scenario == "cut"
    assert (await calls(http))[0]["ending"] == ending


async def open_call(simulator: Simulator, sent: dict[str, Any]) -> socket.socket:
    """A call on a socket of its own that nobody reads."""
    host, port = simulator.base_url.removeprefix("http://").split(":")
    request = httpx2.Request("POST", simulator.base_url, json=sent)
    lines = [f"{name}: {value}" for name, value in {**HEADERS, "content-length": len(request.content)}.items()]
    head = "\r\n".join(["POST /v1/messages HTTP/1.1", "host: simulator", *lines, "", ""])
    loop = asyncio.get_running_loop()
    call = socket.socket()
    call.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    call.setblocking(False)
    await loop.sock_connect(call, (host, int(port)))
    await loop.sock_sendall(call, head.encode() + request.content)
    return call


async def counts(simulator: Simulator, number: int) -> bool:
    """So many calls are open, of at least one that came."""
    return simulator.ledger.open_count == number and len(simulator.ledger.newest(1)) == 1


async def standing_still(simulator: Simulator) -> int | None:
    """How many events the call has sent, once that has not changed for a tenth of a second."""
    before = [call.events for call in simulator.ledger.newest(1)]
    await asyncio.sleep(0.1)
    after = [call.events for call in simulator.ledger.newest(1)]
    return after[0] if before == after and after else None


def read_to_the_end(call: socket.socket) -> bytes:
    call.setblocking(True)
    call.settimeout(10)
    received = bytearray()
    while not received.endswith(b"0\r\n\r\n"):
        received += call.recv(1 << 20)
    return bytes(received)
