"""How soon a job is taken while others are in flight, and what processes cost that have nothing to do.

Invariant: the streams in flight say a word a minute, so that what is measured is what they cost by being there.
Does not know: where the time goes: from the request's writing to its arrival upstream the gateway, the queue and the
worker's own request all count. The pick-up itself, from submit to claim, is what Redis' clock says of each job.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from bench import redis_info
from bench.deltas import begin
from bench.measure import Taken, connected, delays, ended
from bench.sinks import Count, DeltaDelays
from bench.target import Target
from bench.usage import Meter

_SAMPLES = 200
_PAUSE_S = 0.01
_IDLE_S = 5.0
_SETTLE_S = 3.0
_LEFT_S = 15.0
_EVENTS_PER_S = 1 / 60


@contextlib.asynccontextmanager
async def in_flight(target: Target, streams: int) -> AsyncIterator[None]:
    """So many streams that say next to nothing, left when the block ends."""
    async with connected(target, streams) as connections:
        # They are left in the middle of their answers, so nobody waits for the exchanges.
        await begin(connections, target.ask(events=100, events_per_s=_EVENTS_PER_S), [Count() for _ in connections])
        await asyncio.sleep(_SETTLE_S)
        yield
    await _left(target, streams)


async def _left(target: Target, streams: int) -> None:
    """Wait until what was left has been given up, or it would still be there in the next measure."""
    await asyncio.sleep(_LEFT_S if streams else 0.0)


@dataclass(frozen=True, slots=True)
class PickUp:
    """One request after another, with so many streams in flight."""

    streams: int
    redis_socket: str

    @property
    def title(self) -> str:
        return f"request to upstream, {self.streams:,} in flight"

    async def take(self, target: Target) -> Taken:
        request = target.ask(events=1, events_per_s=80, stamp=True)
        ways_ns = []
        async with in_flight(target, self.streams), connected(target, 1) as (connection,):
            for _ in range(_SAMPLES):
                sink = DeltaDelays()
                await ended([connection.ask(request, sink)])
                ways_ns.append(sink.stamps_ns[0] - sink.sent_ns)
                await asyncio.sleep(_PAUSE_S)
            counted_ns = ways_ns[_SAMPLES // 10 :]
            waits_us = redis_info.waits_us(self.redis_socket, len(counted_ns))
        figures = delays(self.title, counted_ns)
        return Taken(figures | delays(f"submit to claim, {self.streams:,} in flight", [us * 1000 for us in waits_us]))


@dataclass(frozen=True, slots=True)
class Idling:
    """CPU and Redis commands of all processes while so many silent streams are open and nothing happens."""

    streams: int
    redis_socket: str

    @property
    def title(self) -> str:
        return f"idle, {self.streams:,} silent streams"

    async def take(self, target: Target) -> Taken:
        meter = Meter(target.processes)
        async with in_flight(target, self.streams):
            before = redis_info.read(self.redis_socket)
            meter.start()
            await asyncio.sleep(_IDLE_S)
            usage, after = meter.stop(), redis_info.read(self.redis_socket)
        figures = {
            f"CPU, {self.title}, ms a second": usage.inside_cpu_s() / _IDLE_S * 1e3,
            f"Redis commands a second, {self.title}": (after.commands - before.commands) / _IDLE_S,
        }
        cost_us = {name: seconds / _IDLE_S * 1e6 for name, seconds in usage.cpu_s.items()}
        return Taken(figures, cost_us, per="second")
