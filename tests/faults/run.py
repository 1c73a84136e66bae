"""One run of one fault: its seed, its size, what was injected, what was measured, and the verdict.

Invariant: the seed decides every choice of the harness; a figure is judged against the limit that stands beside it.
Does not know: how any fault is injected.
"""

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from random import Random
from time import monotonic

from tests.faults.checker import Rules, check, endings
from tests.faults.clients import Client, Crowd
from tests.faults.history import History, Injected
from tests.faults.house import House
from tests.support.cluster import Ground

LEASE_S = 5.0  # the usual one
SHOWN = 12  # breaches in a report


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a fault: `streams` in all, `at_once` of them, `times` that it strikes; `deltas` a stream at `tps`.

    `lease_s` is for faults that wait for leases to run out: short in a small run, the usual one at full size.
    """

    streams: int
    times: int
    at_once: int = 20
    deltas: int = 40
    tps: float = 20
    small: bool = True

    @property
    def lease_s(self) -> float:
        return 1.0 if self.small else LEASE_S

    @property
    def scenario(self) -> str:
        """A plain answer of this size."""
        return f"text events={self.deltas} tps={self.tps:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """Something measured, and the limit to keep."""

    what: str
    value: float
    unit: str
    most: float

    @property
    def kept(self) -> bool:
        return self.value <= self.most

    def __str__(self) -> str:
        return f"{self.what} {_short(self.value)} {self.unit} (at most {_short(self.most)})".replace("  ", " ")


@dataclass(slots=True)
class Run:
    """What a fault's function works with."""

    name: str
    seed: int
    size: Size
    history: History = field(init=False)
    rng: Random = field(init=False)
    figures: list[Figure] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)  # counts worth telling
    breaches: list[str] = field(default_factory=list)
    took_s: float = 0.0
    logs: str = ""  # what the processes said, if anything failed

    def __post_init__(self) -> None:
        self.rng = Random(f"{self.name} {self.seed}")
        self.history = History(self.seed)

    @contextlib.asynccontextmanager
    async def house(self, *, persistent: bool = False, **settings: object) -> AsyncIterator[tuple[House, Crowd]]:
        """A server, a simulator and a cluster of this run, and its clients; all are gone afterwards."""
        ground = await asyncio.to_thread(lambda: Ground(persistent=persistent))
        try:
            async with House(ground, self.rng, **settings) as house:
                crowd = Crowd(house.choose, self.history.streams, self.rng)
                try:
                    yield house, crowd
                finally:
                    await crowd.close()
                    if self.failures or sys.exc_info()[0]:
                        self.logs = house.logs_of_processes()
        finally:
            await asyncio.to_thread(ground.close)

    def inject(self, what: str, target: str = "") -> float:
        """Note a fault that is just being injected; answers when."""
        at = monotonic()
        self.history.injected.append(Injected(at, what, target))
        return at

    async def pause(self, least_s: float, most_s: float) -> None:
        """Let the streams go on for a random while."""
        await asyncio.sleep(self.rng.uniform(least_s, most_s))

    def figure(self, what: str, values: float | Iterable[float], unit: str, most: float, *, busy: float = 1.0) -> None:
        """A figure, or the 99th percentile of many. `busy` widens the limit of a small run, whose machine does more."""
        value = values if isinstance(values, (int, float)) else p99(values)
        self.figures.append(Figure(what, value, unit, most * (busy if self.size.small else 1.0)))

    def demand(self, holds: bool, breach: str) -> None:
        """Something beside the history that must be so."""
        if not holds:
            self.breaches.append(breach)

    async def conclude(self, house: House, rules: Rules) -> None:
        """Wait until the simulator is left alone, gather the evidence, judge it."""
        await house.quiet()
        await house.testify(self.history)
        self.breaches += check(self.history, rules)
        self.breaches += house.exits()

    @property
    def failures(self) -> list[str]:
        """Why this run has not reached what it had to; empty if it has."""
        rest = Counter(breach.partition("): ")[2] or breach for breach in self.breaches[SHOWN:])
        more = [f"... and {count} more: {breach}" for breach, count in rest.most_common(SHOWN)]
        return [*self.breaches[:SHOWN], *more, *(str(figure) for figure in self.figures if not figure.kept)]

    def told(self) -> str:
        """One line for people: seed, counts, endings, figures."""
        counts = {"streams": len(self.history.streams), "events": self.history.events, **self.notes}
        counts |= {"faults injected": len(self.history.injected), **endings(self.history)}
        words = ", ".join(f"{count} {what}" for what, count in counts.items())
        figures = "; ".join(map(str, self.figures))
        return f"{self.name}, seed {self.seed}: {words}. {figures} ({self.took_s:.0f} s)"


async def mid_stream(crowd: Crowd, least: int, within_s: float = 20.0) -> list[Client]:
    """Wait until so many clients are in mid-answer; answers them. Raises `AssertionError`."""
    deadline = monotonic() + within_s
    while len(crowd.running) < least:
        assert monotonic() < deadline, f"only {len(crowd.running)} of {least} streams are running"
        await asyncio.sleep(0.01)
    return crowd.running


def p99(values: Iterable[float]) -> float:
    """The 99th percentile, by the nearest rank; nothing measured is infinitely much."""
    ordered = sorted(values)
    return ordered[-(-99 * len(ordered) // 100) - 1] if ordered else float("inf")


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 and value < float("inf") else f"{value:.3g}"
