"""Closed loops: so many connections, each asking again when its answer has ended, over a metered window.

Invariant: all that came in the window counts and nothing else; the connections go round before it begins.
Does not know: delays.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bench.connection import Connection
from bench.measure import Taken, connected, costs, ended
from bench.sinks import Count
from bench.target import Target
from bench.usage import Meter, Usage

_WARM_UP = 0.4
"""Of the window, before it."""


@dataclass(frozen=True, slots=True)
class Window:
    """What came in it, and what it cost."""

    deltas: int
    answers: int
    lasted_s: float
    usage: Usage


async def _round_and_round(target: Target, request: bytes, connections: int, window_s: float) -> Window:
    sinks = [Count() for _ in range(connections)]
    meter = Meter(target.processes)
    async with connected(target, connections) as opened:
        stop = asyncio.Event()
        loops = [asyncio.create_task(_again(one, request, sink, stop)) for one, sink in zip(opened, sinks, strict=True)]
        await asyncio.wait(loops, timeout=_WARM_UP * window_s, return_when=asyncio.FIRST_EXCEPTION)
        meter.start()
        before, began_s = _counted(sinks), time.monotonic()
        await asyncio.wait(loops, timeout=window_s, return_when=asyncio.FIRST_EXCEPTION)
        after, lasted_s = _counted(sinks), time.monotonic() - began_s
        usage = meter.stop()
        stop.set()
        await ended(loops)
    return Window(after[0] - before[0], after[1] - before[1], lasted_s, usage)


async def _again(connection: Connection, request: bytes, sink: Count, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await connection.ask(request, sink)


def _counted(sinks: list[Count]) -> tuple[int, int]:
    return sum(sink.deltas for sink in sinks), sum(sink.answers for sink in sinks)


@dataclass(frozen=True, slots=True)
class Saturated:
    """Long answers as fast as they come."""

    streams: int
    events: int
    window_s: float
    title: str = "saturated"

    async def take(self, target: Target) -> Taken:
        request = target.ask(events=self.events, events_per_s=0)
        window = await _round_and_round(target, request, self.streams, self.window_s)
        cost_us = costs(window.usage, window.deltas)
        figures = {
            "saturated, events/s": window.deltas / window.lasted_s,
            "CPU of an event, saturated, µs": window.usage.inside_cpu_s() / window.deltas * 1e6,
        }
        return Taken(figures, cost_us)


@dataclass(frozen=True, slots=True)
class Short:
    """Answers of a handful of events."""

    connections: int
    window_s: float
    events: int = 3
    title: str = "short requests"

    async def take(self, target: Target) -> Taken:
        request = target.ask(events=self.events, events_per_s=0)
        window = await _round_and_round(target, request, self.connections, self.window_s)
        cost_us = costs(window.usage, window.answers)
        figures = {
            "short requests/s": window.answers / window.lasted_s,
            "CPU of a short request, µs": window.usage.inside_cpu_s() / window.answers * 1e6,
        }
        return Taken(figures, cost_us, per="request")
