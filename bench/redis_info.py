"""What Valkey says of itself: commands processed so far, memory in use.

Does not know: who sent the commands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis import Redis


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
