"""The time to the first token: of one stream on an idle machine, and of many that are opened in one moment.

Invariant: connections are open and everything is warm before the first sample; the upstream answers at once, so what
is measured is the way there and back and nothing can hide behind a waiting upstream.
Does not know: what is added; that is the difference between two targets.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bench.connection import Connection
from bench.measure import Taken, connected, delays, ended
from bench.sinks import FirstToken
from bench.target import Target

_PAUSE_S = 0.01
_IDLE_EVENTS = 5
_WARM_UP = 20

_BURST_EVENTS = 20
_BURST_EVENTS_PER_S = 80
_BURST_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Idle:
    """One stream after another on one connection, with a pause between them in which nothing runs."""

    samples: int
    title: str = "first token, idle"

    async def take(self, target: Target) -> Taken:
        request = target.ask(events=_IDLE_EVENTS, events_per_s=0)
        async with connected(target, 1) as connections:
            delays_ns = [await _together(connections, request, _PAUSE_S) for _ in range(_WARM_UP + self.samples)]
        return Taken(delays(self.title, [delay_ns for (delay_ns,) in delays_ns[_WARM_UP:]]))


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Many streams in one moment, which then go on at the pace of a fast model; all end before the next moment."""

    streams: int
    moments: int

    @property
    def title(self) -> str:
        return f"first token, {self.streams} at once"

    async def take(self, target: Target) -> Taken:
        request = target.ask(events=_BURST_EVENTS, events_per_s=_BURST_EVENTS_PER_S)
        async with connected(target, self.streams) as connections:
            moments = [await _together(connections, request, _BURST_PAUSE_S) for _ in range(1 + self.moments)]
        return Taken(delays(self.title, [delay_ns for moment in moments[1:] for delay_ns in moment]))


async def _together(connections: list[Connection], request: bytes, pause_s: float) -> list[int]:
    """Ask on all connections in one turn of the loop; when all answers have ended, their first tokens' delays in ns."""
    sinks = [FirstToken() for _ in connections]
    await ended([connection.ask(request, sink) for connection, sink in zip(connections, sinks, strict=True)])
    await asyncio.sleep(pause_s)
    return [sink.delay_ns for sink in sinks]
