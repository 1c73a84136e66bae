"""The delay of each delta, from the upstream's send stamp to the client's read, and what each event costs.

Invariant: only deltas that were sent while all streams ran have delays that count, and processes are metered over that
same window, by the deltas that came in it.
Does not know: what is added; that is the difference between two targets.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from bench.connection import Connection, Sink
from bench.measure import Taken, connected, costs, delays, ended
from bench.sinks import DeltaDelays
from bench.target import Target
from bench.usage import Meter

# Opening and first tokens are over, and the streams' phases differ as those of strangers do.
_RAMP_S = 1.0
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class PacedDeltas:
    """Streams at a fixed pace for a window of `window_s`, each begun at its own moment.

    The share of the pace that was kept is a figure of its own: below 1 the machine is full, stamps come late, and the
    delays look better than they are.
    """

    streams: int
    events_per_s: float
    window_s: float

    @property
    def title(self) -> str:
        return f"{self.streams} streams × {self.events_per_s:g}/s"

    async def take(self, target: Target) -> Taken:
        events = round((_RAMP_S + 2 * _SETTLE_S + self.window_s) * self.events_per_s)
        request = target.ask(events=events, events_per_s=self.events_per_s, stamp=True)
        sinks = [DeltaDelays() for _ in range(self.streams)]
        meter = Meter(target.processes)
        async with connected(target, self.streams) as connections:
            exchanges = await begin(connections, request, sinks)
            await asyncio.sleep(_SETTLE_S)
            meter.start()
            begin_ns = time.monotonic_ns()
            await asyncio.sleep(self.window_s)
            end_ns = time.monotonic_ns()
            usage = meter.stop()
            await ended(exchanges)
        came = sum(sink.came(begin_ns, end_ns) for sink in sinks)
        cost_us = costs(usage, came)
        figures = delays(f"delay of a delta, {self.title}", [ns for s in sinks for ns in s.between(begin_ns, end_ns)])
        figures[f"pace kept, {self.title}, %"] = came / (self.streams * self.events_per_s * self.window_s) * 100
        figures[f"CPU of an event, {self.title}, µs"] = usage.inside_cpu_s() / came * 1e6
        return Taken(figures, cost_us)


async def begin(connections: Sequence[Connection], request: bytes, sinks: Sequence[Sink]) -> list[Awaitable[None]]:
    """Begin the streams over the ramp, at moments that are the same in every round and for every target."""
    moments_s = sorted(random.Random(len(connections)).uniform(0, _RAMP_S) for _ in connections)
    began_s = time.monotonic()
    exchanges: list[Awaitable[None]] = []
    for moment_s, connection, sink in zip(moments_s, connections, sinks, strict=True):
        await asyncio.sleep(max(0.0, began_s + moment_s - time.monotonic()))
        exchanges.append(connection.ask(request, sink))
    return exchanges
