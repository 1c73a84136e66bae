"""The work that bench/growth.py doubles: each function does it once and returns the CPU it cost, by process.

Does not know: how the cost grows.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bench.audience import answered
from bench.deltas import PacedDeltas, begin
from bench.failure import BenchFailed
from bench.measure import connected, ended
from bench.sinks import Count
from bench.target import Target
from bench.usage import Meter

_ENDED = ("done", "failed", "cancelled")
_WINDOW_S = 3.0
_ANSWERS = 20
_REPLAYS = 10
_LIMIT_S = 60.0


async def streams(target: Target, count: int) -> Mapping[str, float]:
    """So many streams at once, for some seconds."""
    return await _steady(target, count, 20)


async def steady(target: Target, _processes: int) -> Mapping[str, float]:
    """The same load for any number of processes."""
    return await _steady(target, 100, 40)


async def _steady(target: Target, count: int, events_per_s: int) -> Mapping[str, float]:
    taken = await PacedDeltas(count, events_per_s, _WINDOW_S).take(target)
    events = count * events_per_s * _WINDOW_S
    return {name: us / 1e6 * events for name, us in taken.cost_us.items()}


async def answers(target: Target, events: int) -> Mapping[str, float]:
    """A few answers of so many events, as fast as they come."""
    async with connected(target, _ANSWERS) as connections:
        request = target.ask(events=events, events_per_s=0)
        meter = Meter(target.processes)
        meter.start()
        await ended([connection.ask(request, Count()) for connection in connections])
        return meter.stop().cpu_s


async def replays(target: Target, events: int) -> Mapping[str, float]:
    """A few readers, one after another, of an ended answer of so many events that came one by one."""
    job = await _job(target, events, 1_000)
    await _until_ended(target, job)
    meter = Meter(target.processes)
    async with connected(target, 1) as (connection,):
        meter.start()
        for _ in range(_REPLAYS):
            await ended([connection.ask(target.request("GET", f"/v1/jobs/{job}/events"), Count())])
    return meter.stop().cpu_s


async def queue(target: Target, jobs: int) -> Mapping[str, float]:
    """So many jobs wait behind one that runs; from the first submit to the end of the last."""
    async with _occupied(target) as occupant:
        meter = Meter(target.processes)
        meter.start()
        waiting = [await _job(target, 3, 0) for _ in range(jobs)]
        await answered(target, target.request("POST", f"/v1/jobs/{occupant}/cancel"))
    for job in (waiting[0], waiting[-1]):
        await _until_ended(target, job)
    return meter.stop().cpu_s


@asynccontextmanager
async def _occupied(target: Target) -> AsyncIterator[str]:
    """The only slot is taken by a job; its id."""
    job = await _job(target, 10_000, 1)
    async with connected(target, 1) as connections:
        seen = Count()
        await begin(connections, target.request("GET", f"/v1/jobs/{job}/events"), [seen])
        while not seen.deltas:  # noqa: ASYNC110  # the sink has no event to wait for, and this is not measured
            await asyncio.sleep(0.01)
    yield job


async def _job(target: Target, events: int, events_per_s: int) -> str:
    request = target.ask(events=events, events_per_s=events_per_s, path="/v1/jobs")
    status, body = await answered(target, request)
    if status != 202:
        raise BenchFailed(f"/v1/jobs answered {status}: {body[:300]!r}")
    job: str = json.loads(body)["id"]
    return job


async def _until_ended(target: Target, job: str) -> None:
    request = target.request("GET", f"/v1/jobs/{job}")
    state = ""
    async with asyncio.timeout(_LIMIT_S):
        while state not in _ENDED:
            await asyncio.sleep(0.1)
            state = json.loads((await answered(target, request))[1])["state"]
