"""Percentiles of many samples, and the median of few rounds with its spread.

Does not know: units.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def percentile(samples: Sequence[float], share: float) -> float:
    """The smallest sample that at least `share` (0 to 1) of all do not exceed: the nearest-rank definition."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure that was measured once a round."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, rounds: Iterable[float]) -> Spread:
        """The median of the rounds, the lowest and the highest of them."""
        values = list(rounds)
        return cls(statistics.median(values), min(values), max(values))
