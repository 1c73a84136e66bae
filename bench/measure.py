"""What a measure is: something that is taken of one target at a time, again in every round.

Invariant: a measure does the same to every target, connections included.
Does not know: which measures and targets there are.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.connection import Connection, connect
from bench.failure import BenchFailed
from bench.figures import percentile
from bench.target import Target
from bench.usage import Usage

_LIMIT_S = 120.0
Figures = Mapping[str, float]
"""By the row's name, which ends in the unit."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One round of one target: its figures, and what each process cost, in µs for each of `per`."""

    figures: Figures
    cost_us: Mapping[str, float] = field(default_factory=dict)
    per: str = "event"


class Measure(Protocol):
    """One block of the table."""

    @property
    def title(self) -> str:
        """Its name in the table."""

    async def take(self, target: Target) -> Taken:
        """Measure once. Raises BenchFailed."""


def delays(title: str, delays_ns: Sequence[int]) -> dict[str, float]:
    """The two rows of a delay, in ms. Raises BenchFailed without any sample."""
    if not delays_ns:
        raise BenchFailed(f"{title}: nothing came")
    return {f"{title}, {name}, ms": percentile(delays_ns, share) / 1e6 for name, share in (("p50", 0.5), ("p99", 0.99))}


def costs(usage: Usage, count: int) -> dict[str, float]:
    """CPU of each process by so many. Raises BenchFailed for none."""
    if not count:
        raise BenchFailed("nothing came in the window")
    return {name: seconds / count * 1e6 for name, seconds in usage.cpu_s.items()}


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
