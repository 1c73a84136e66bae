"""What Valkey says of itself, commands processed so far and memory in use, and how long it has held jobs in the queue.

Does not know: who sent the commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis import Redis

from streamlog.keys import Keys


@dataclass(frozen=True, slots=True)
class Meters:
    """`commands` counts those within scripts too; `scripts` are the calls of them; `bytes` is memory in use."""

    commands: int
    scripts: int
    bytes: int


def read(socket: str) -> Meters:
    """Ask the server behind a Unix socket."""
    with Redis(unix_socket_path=socket) as client:
        stats: dict[str, Any] = client.info("stats")
        memory: dict[str, Any] = client.info("memory")
        commands: dict[str, Any] = client.info("commandstats")
    scripts = sum(commands.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval"))
    return Meters(stats["total_commands_processed"], scripts, memory["used_memory"])


def waits_us(socket: str, jobs: int) -> list[int]:
    """How long the newest so many jobs were in the queue, from submit to claim, newest first, by the clock of Redis."""
    keys = Keys()
    with Redis(unix_socket_path=socket) as client:
        newest: list[tuple[bytes, float]] = []
        for owned in client.scan_iter(keys.owned("*"), count=1000):
            newest += client.zrevrange(owned, 0, jobs - 1, withscores=True)
        newest.sort(key=lambda job: -job[1])
        of = [client.hmget(keys.record(job.decode()), "created_us", "claimed_us") for job, _ in newest[:jobs]]
    return [int(claimed_us) - int(created_us) for created_us, claimed_us in of]
