"""Open loop: requests that come at random moments, whether or not the others have been answered.

Invariant: a first token is timed from the moment the request was due, so that a target that falls behind cannot hide
it; the moments are the same for every target and round.
Does not know: what a request costs.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from bench.connection import Connection
from bench.measure import Taken, connected, delays, ended
from bench.sinks import DeltaDelays
from bench.target import Target

_SEED = 5
_CONNECTIONS = 400


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Poisson arrivals at `rate_per_s`, each an answer of half a second."""

    rate_per_s: float
    lasts_s: float
    events: int = 40
    events_per_s: int = 80

    @property
    def title(self) -> str:
        return f"{self.rate_per_s:g} arrivals/s"

    async def take(self, target: Target) -> Taken:
        request = target.ask(events=self.events, events_per_s=self.events_per_s, stamp=True)
        sinks: list[DeltaDelays] = []
        waits: list[int] = []
        async with connected(target, _CONNECTIONS) as connections:
            free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
            for connection in connections:
                free.put_nowait(connection)
            exchanges: list[Awaitable[None]] = []
            began_s = time.monotonic() + 0.1
            for due_s in _moments(self.rate_per_s, self.lasts_s):
                await asyncio.sleep(max(0.0, began_s + due_s - time.monotonic()))
                sinks.append(DeltaDelays())
                exchanges.append(asyncio.create_task(_ask(await free.get(), request, sinks[-1], free)))
                waits.append(int((began_s + due_s) * 1e9))
            await ended(exchanges)
        firsts = [s.stamps_ns[0] + s.delays_ns[0] - due_ns for s, due_ns in zip(sinks, waits, strict=True)]
        later = [ns for sink in sinks for ns in sink.delays_ns[1:]]
        return Taken(delays(f"first token, {self.title}", firsts) | delays(f"delay of a delta, {self.title}", later))


async def _ask(connection: Connection, request: bytes, sink: DeltaDelays, free: asyncio.LifoQueue[Connection]) -> None:
    await connection.ask(request, sink)
    free.put_nowait(connection)


def _moments(rate_per_s: float, lasts_s: float) -> list[float]:
    chance = random.Random(_SEED)
    moments = [chance.expovariate(rate_per_s)]
    while moments[-1] < lasts_s:
        moments.append(moments[-1] + chance.expovariate(rate_per_s))
    return moments
