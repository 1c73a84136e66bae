"""Redis commands: of a paced event, and of a short request.

Invariant: only this Sluice uses the server; what it does when idle is part of both.
Does not know: which commands.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench import redis_info
from bench.measure import Taken, connected, ended
from bench.sinks import Count
from bench.target import Target

_STREAMS = 100
_EVENTS = 240
_REQUESTS = 500
_TOGETHER = 20


@dataclass(frozen=True, slots=True)
class Commands:
    """Counted by the server behind `redis_socket`."""

    redis_socket: str
    title: str = "Redis commands"

    async def take(self, target: Target) -> Taken:
        figures: dict[str, float] = {}
        for name, streams, again, events, pace in (
            ("an event, 100 streams × 80/s", _STREAMS, 1, _EVENTS, 80),
            ("a short request", _TOGETHER, _REQUESTS // _TOGETHER, 3, 0),
        ):
            before = redis_info.read(self.redis_socket)
            request = target.ask(events=events, events_per_s=pace)
            async with connected(target, streams) as connections:
                for _ in range(again):
                    await ended([connection.ask(request, Count()) for connection in connections])
            after = redis_info.read(self.redis_socket)
            count = streams * again * (events if pace else 1)
            figures[f"Redis commands of {name}"] = (after.commands - before.commands) / count
            figures[f"Redis scripts of {name}"] = (after.scripts - before.scripts) / count
        return Taken(figures)
