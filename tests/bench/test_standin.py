"""The stand-in says what Claude's streaming API says, at every pace."""

import asyncio
import json
import time
from collections.abc import AsyncIterator

import anthropic
import pytest

from bench.connection import connect
from bench.measure import ended
from bench.sinks import Count, DeltaDelays
from bench.standin import Answering, Wheel
from bench.target import Target


@pytest.fixture
async def direct() -> AsyncIterator[Target]:
    """A stand-in in this very loop."""
    wheel = Wheel()
    server = await asyncio.get_running_loop().create_server(lambda: Answering(wheel), "127.0.0.1", 0)
    async with server:
        yield Target("direct", *server.sockets[0].getsockname()[:2])


async def test_the_sdk_reads_it(direct: Target) -> None:
    """A message of so many deltas, complete by the SDK's own standards."""
    message = json.loads(direct.ask(events=3, events_per_s=0).partition(b"\r\n\r\n")[2])
    client = anthropic.AsyncAnthropic(api_key="any", base_url=f"http://{direct.host}:{direct.port}")
    question = message["messages"]
    async with client, client.messages.stream(model="any", max_tokens=9, messages=question) as stream:
        answer = await stream.get_final_message()
    assert answer.stop_reason == "end_turn"
    assert answer.usage.output_tokens == 3
    (block,) = answer.content
    assert block.type == "text"
    assert block.text == "@0 a sluice gate lifts" * 3


@pytest.mark.parametrize("events", [1, 99, 100, 101, 5_000])
async def test_unpaced_answers_are_whole(direct: Target, events: int) -> None:
    """Twice on one connection: exactly so many deltas each time, whatever the blocks."""
    (connection,) = await connect(direct, 1)
    count = Count()
    for answers in (1, 2):
        await ended([connection.ask(direct.ask(events=events, events_per_s=0), count)], 10)
        assert count.deltas == answers * events
    connection.close()


async def test_paced_answers_keep_their_pace_and_stamp(direct: Target) -> None:
    """Stamps rise by the pause, and a delta came after it was sent."""
    (connection,) = await connect(direct, 1)
    sink = DeltaDelays()
    began_ns = time.monotonic_ns()
    await ended([connection.ask(direct.ask(events=21, events_per_s=100, stamp=True), sink)], 10)
    stamps = list(sink.stamps_ns)
    assert len(stamps) == 21
    assert stamps == sorted(stamps)
    assert began_ns <= stamps[0]
    assert stamps[-1] - stamps[0] >= 0.19e9, "20 pauses of 10 ms, to a millisecond"
    assert all(delay >= 0 for delay in sink.delays_ns)
    connection.close()


async def test_who_leaves_stops_its_stream(direct: Target) -> None:
    """Another answer goes on, nothing is written to the one that left."""
    left, stays = await connect(direct, 2)
    request = direct.ask(events=10, events_per_s=100)
    left.ask(request, Count())
    count = Count()
    exchange = stays.ask(request, count)
    left.close()
    await ended([exchange], 10)
    assert count.deltas == 10
