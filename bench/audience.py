"""One stream with many followers: what it costs the worker, and how late the last of them is.

Invariant: the stream is one detached job, followed by everybody from its first event.
Does not know: how followers share anything.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass

from bench.failure import BenchFailed
from bench.measure import Taken, connected, costs, delays, ended
from bench.sinks import DeltaDelays
from bench.target import Target
from bench.usage import Meter

_EVENTS_PER_S = 10
_EVENTS = 80
_WINDOW_S = 4.0
_SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Audience:
    """So many followers of one stream of 10 events a second."""

    followers: int

    @property
    def title(self) -> str:
        return f"one stream, {self.followers:,} followers"

    async def take(self, target: Target) -> Taken:
        sinks = [DeltaDelays() for _ in range(self.followers)]
        meter = Meter(target.processes)
        async with connected(target, self.followers) as connections:
            job = await _begun(target)
            request = target.request("GET", f"/v1/jobs/{job}/events")
            exchanges = [one.ask(request, sink) for one, sink in zip(connections, sinks, strict=True)]
            await asyncio.sleep(_SETTLE_S)
            meter.start()
            begin_ns = time.monotonic_ns()
            await asyncio.sleep(_WINDOW_S)
            usage, end_ns = meter.stop(), time.monotonic_ns()
            await ended(exchanges)
        cost_us = costs(usage, round(_EVENTS_PER_S * _WINDOW_S))
        worker = sum(us for name, us in cost_us.items() if name.startswith("worker"))
        figures = delays(f"delay of a delta, {self.title}", [ns for s in sinks for ns in s.between(begin_ns, end_ns)])
        return Taken(figures | {f"CPU of the worker for an event, {self.title}, µs": worker}, cost_us)


async def _begun(target: Target) -> str:
    """A detached job at that pace; its id."""
    request = target.ask(events=_EVENTS, events_per_s=_EVENTS_PER_S, stamp=True, path="/v1/jobs")
    status, body = await answered(target, request)
    if status != 202:
        raise BenchFailed(f"/v1/jobs answered {status}: {body[:300]!r}")
    job: str = json.loads(body)["id"]
    return job


async def answered(target: Target, request: bytes) -> tuple[int, bytes]:
    """Status and body of an answer with a length, on a connection of its own."""
    reader, writer = await asyncio.open_connection(target.host, target.port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        return int(head.split(b" ", 2)[1]), await reader.readexactly(length)
    finally:
        writer.transport.abort()
