"""Every measure of every target, round after round, the targets in turn and in turned order.

Invariant: the targets of one measure are taken right after each other, so that a machine that drifts hits all.
Does not know: what is measured, what becomes of the results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.measure import Measure, Taken
from bench.target import Target

Results = Mapping[tuple[str, str], Sequence[Taken]]
"""One Taken a round, by title of the measure and name of the target."""


async def take_rounds(
    measures: Sequence[Measure], targets: Sequence[Target], rounds: int, tell: Callable[[str], None]
) -> Results:
    """Take them all. `tell` hears of each begin. Raises BenchFailed."""
    results: dict[tuple[str, str], list[Taken]] = {(m.title, t.name): [] for m in measures for t in targets}
    for number in range(rounds):
        for measure in measures:
            for target in targets if number % 2 == 0 else reversed(targets):
                tell(f"round {number + 1} of {rounds}: {measure.title}, {target.name}")
                results[measure.title, target.name].append(await measure.take(target))
    return results
