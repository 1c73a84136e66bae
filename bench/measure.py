"""What a measure is: something that is taken of one target at a time, again in every round.

Invariant: a measure does the same to every target, connections included.
Does not know: which measures and targets there are.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.connection import Connection, connect
from bench.failure import BenchFailed
from bench.target import Target
from bench.usage import Usage

_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Taken:
    """One round of one target: delays in ns, and over a paced window what the processes used."""

    delays_ns: Sequence[int]
    usage: Usage | None = None


class Measure(Protocol):
    """One block of the table."""

    @property
    def title(self) -> str:
        """Its name in the table."""

    async def take(self, target: Target) -> Taken:
        """Measure once. Raises BenchFailed."""


@contextlib.asynccontextmanager
async def connected(target: Target, count: int) -> AsyncIterator[list[Connection]]:
    """Open connections for the block."""
    connections = await connect(target, count)
    try:
        yield connections
    finally:
        for connection in connections:
            connection.close()


async def ended(exchanges: Iterable[Awaitable[None]], limit_s: float = _LIMIT_S) -> None:
    """Wait for the end of all. Raises BenchFailed when one fails, or one is still open after `limit_s`."""
    try:
        async with asyncio.timeout(limit_s):
            await asyncio.gather(*exchanges)
    except TimeoutError:
        raise BenchFailed(f"an answer was still open after {limit_s:g} s") from None
