"""Every measure of every target, round after round, the targets in turn and in turned order.

Invariant: the targets of one measure are taken right after each other, so that a machine that drifts hits all. A target
that fails a measure fails that round of it alone, and the failure is kept and told.
Does not know: what is measured, what becomes of the results.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.failure import BenchFailed
from bench.measure import Measure, Taken
from bench.target import Target


@dataclass(frozen=True, slots=True)
class Results:
    """`taken`: one a round, by title of the measure and name of the target. `failed`: sentences for the reader."""

    names: Sequence[str]
    taken: dict[tuple[str, str], list[Taken]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def rounds(self, row: str, name: str) -> list[float]:
        """The figures of a row for a target, round by round; empty if it has none."""
        takens = (taken for (_, of), rounds in self.taken.items() if of == name for taken in rounds)
        return [taken.figures[row] for taken in takens if row in taken.figures]

    def rows(self) -> list[str]:
        """All rows, in the order of their first appearance."""
        return list(dict.fromkeys(row for rounds in self.taken.values() for taken in rounds for row in taken.figures))


async def take_rounds(
    measures: Sequence[Measure], targets: Sequence[Target], rounds: int, tell: Callable[[str], None]
) -> Results:
    """Take them all. `tell` hears of each begin and failure."""
    results = Results([target.name for target in targets], {(m.title, t.name): [] for m in measures for t in targets})
    for number in range(rounds):
        for measure in measures:
            for target in targets if number % 2 == 0 else reversed(targets):
                step = f"round {number + 1} of {rounds}: {measure.title}, {target.name}"
                tell(step)
                try:
                    results.taken[measure.title, target.name].append(await measure.take(target))
                except (BenchFailed, OSError) as error:
                    results.failed.append(f"{step}: {error}")
                    tell(results.failed[-1])
    return results
