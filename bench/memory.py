"""Memory: of open streams, of what the log keeps, and of what is left behind by many.

Invariant: growth of resident memory between two moments at which the same things are warm, in processes that nothing
else has used: memory that was freed before would be taken again and look like none.
Does not know: which objects it is.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bench import procfs, redis_info
from bench.connection import Connection
from bench.deltas import begin
from bench.house import House
from bench.measure import Taken, connected, ended
from bench.sinks import Count
from bench.target import Target

_KB = 1_000
_SETTLE_S = 2.0
_LEFT_S = 14.0
_TOGETHER = 50


def _resident(target: Target) -> dict[str, int]:
    names = {name: pid for name, pid in target.processes().items() if name.startswith(("gateway", "worker"))}
    return {name: procfs.resident_bytes(pid) for name, pid in names.items()}


@dataclass(frozen=True, slots=True)
class Open:
    """So many slow streams at once, a delta every two seconds, before a Sluice of their own."""

    streams: int
    upstream: Target
    title: str = "memory of open streams"

    async def take(self, _target: Target) -> Taken:
        with House(self.upstream) as house:
            return await self._take(house.sluice)

    async def _take(self, target: Target) -> Taken:
        request = target.ask(events=5, events_per_s=0.5)
        async with connected(target, _TOGETHER) as connections:
            await ended([one.ask(target.ask(events=3, events_per_s=0), Count()) for one in connections])
        before = _resident(target)
        async with connected(target, self.streams) as connections:
            exchanges = await begin(connections, request, [Count() for _ in connections])
            await asyncio.sleep(_SETTLE_S)
            after = _resident(target)
            await ended(exchanges)
        kb = {name: (after[name] - before[name]) / self.streams / _KB for name in after}
        rows = {f"memory of an open stream, {name}, kB": grown for name, grown in kb.items()}
        return Taken(rows | {"memory of an open stream, together, kB": sum(kb.values())})


@dataclass(frozen=True, slots=True)
class Log:
    """What so many ended streams of 100 paced events leave in Redis until they expire."""

    streams: int
    redis_socket: str
    title: str = "memory in Redis"

    async def take(self, target: Target) -> Taken:
        request = target.ask(events=100, events_per_s=80)
        before = redis_info.read(self.redis_socket)
        async with connected(target, self.streams) as connections:
            await ended(await begin(connections, request, [Count() for _ in connections]))
        after = redis_info.read(self.redis_socket)
        return Taken({"memory in Redis of 100 events, kB": (after.bytes - before.bytes) / self.streams / _KB})


@dataclass(frozen=True, slots=True)
class Turnover:
    """So many short streams after as many; every tenth client leaves in the middle, and its job lives for its grace."""

    streams: int
    upstream: Target
    title: str = "memory left behind"

    async def take(self, _target: Target) -> Taken:
        with House(self.upstream) as house:
            return await self._take(house.sluice)

    async def _take(self, target: Target) -> Taken:
        await _pass_through(target, self.streams)
        before = _resident(target)
        await _pass_through(target, self.streams)
        after = _resident(target)
        return Taken(
            {
                f"memory left behind by {self.streams:,} streams, {name}, kB each": (after[name] - before[name])
                / self.streams
                / _KB
                for name in after
            }
        )


async def _pass_through(target: Target, streams: int) -> None:
    request, long = target.ask(events=3, events_per_s=0), target.ask(events=1_000, events_per_s=1)
    async with connected(target, _TOGETHER) as connections:
        for _ in range(round(streams * 0.9 / _TOGETHER)):
            await ended([connection.ask(request, Count()) for connection in connections])
    for _ in range(round(streams * 0.1 / _TOGETHER)):
        async with connected(target, _TOGETHER) as connections:
            await _first_words(connections, long)
    await asyncio.sleep(_LEFT_S)  # the grace of the last that left


async def _first_words(connections: list[Connection], request: bytes) -> None:
    """Ask on all, and return when each has its first delta."""
    sinks = [_Begun() for _ in connections]
    exchanges = [one.ask(request, sink) for one, sink in zip(connections, sinks, strict=True)]
    await ended([sink.begun for sink in sinks])
    del exchanges  # they have no end: the caller leaves


class _Begun(Count):
    """Is told when something came."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def received(self, body: bytes, now_ns: int) -> None:
        super().received(body, now_ns)
        if self.deltas and not self.begun.done():
            self.begun.set_result(None)
