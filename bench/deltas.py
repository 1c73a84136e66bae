"""The delay of each delta, from the upstream's send stamp to the client's read, and what each event costs.

Invariant: only deltas that were sent while all streams ran count, and processes are metered over that same window.
Does not know: what is added; that is the difference between two targets.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from bench.connection import Connection
from bench.failure import BenchFailed
from bench.measure import Taken, connected, ended
from bench.sinks import DeltaDelays
from bench.target import Target
from bench.usage import Meter, Usage

# Opening and first tokens are over, and the streams' phases differ as those of strangers do.
_RAMP_S = 1.0
_SETTLE_S = 0.5
_KEPT_PACE = 0.9


@dataclass(frozen=True, slots=True)
class PacedDeltas:
    """Streams at a fixed pace for a window of `window_s`, each begun at its own moment."""

    streams: int
    events_per_s: int
    window_s: float
    meter: Meter

    @property
    def title(self) -> str:
        return f"delay of a delta, {self.streams} streams × {self.events_per_s}/s"

    async def take(self, target: Target) -> Taken:
        lasts_s = _RAMP_S + 2 * _SETTLE_S + self.window_s
        events = round(lasts_s * self.events_per_s)
        request = target.ask(events=events, events_per_s=self.events_per_s, stamp=True)
        sinks = [DeltaDelays() for _ in range(self.streams)]
        async with connected(target, self.streams) as connections:
            exchanges = await _begin(connections, request, sinks)
            begin_ns, end_ns, usage = await self._window()
            await ended(exchanges)
        delays_ns = [delay_ns for sink in sinks for delay_ns in sink.between(begin_ns, end_ns)]
        self._check(target, len(delays_ns), (end_ns - begin_ns) / 1e9)
        return Taken(delays_ns, usage)

    async def _window(self) -> tuple[int, int, Usage]:
        """Wait until the streams have settled, then for the window: its begin and end, and what it cost."""
        await asyncio.sleep(_SETTLE_S)
        self.meter.start()
        begin_ns = time.monotonic_ns()
        await asyncio.sleep(self.window_s)
        end_ns = time.monotonic_ns()
        return begin_ns, end_ns, self.meter.stop()

    def _check(self, target: Target, came: int, window_s: float) -> None:
        """An upstream that lags behind its pace sends its stamps late, and the delays look better than they are."""
        kept = came / (self.streams * self.events_per_s * window_s)
        if kept < _KEPT_PACE:
            raise BenchFailed(
                f"before {target.name} the upstream kept {kept:.0%} of its pace: the machine is too busy for figures"
            )


async def _begin(connections: list[Connection], request: bytes, sinks: list[DeltaDelays]) -> list[Awaitable[None]]:
    """Begin the streams over the ramp, at moments that are the same in every round and for every target."""
    moments_s = sorted(random.Random(len(connections)).uniform(0, _RAMP_S) for _ in connections)
    began_s = time.monotonic()
    exchanges: list[Awaitable[None]] = []
    for moment_s, connection, sink in zip(moments_s, connections, sinks, strict=True):
        await asyncio.sleep(max(0.0, began_s + moment_s - time.monotonic()))
        exchanges.append(connection.ask(request, sink))
    return exchanges
