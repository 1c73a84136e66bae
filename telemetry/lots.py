"""A histogram of numbers that come many at a time.

The library's own looks through its bounds and takes two locks for each number; with 64 facts of 32 gaps each that held
a worker's loop up for 4 to 6 ms (`docs/decisions/0017-many-numbers-are-one-count.md`).
Invariant: a lot counts in full or not at all. Does not know: what the numbers mean.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from telemetry.metrics import Metric


class Lot:
    """One series: how many numbers lie under each of the upper bounds, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, numbers: Sequence[float]) -> None:
        """Count them all. Raises ValueError, and counts none, if one is negative, NaN or infinite."""
        total = sum(numbers)
        if not (total < math.inf and min(numbers, default=0) >= 0):
            raise ValueError(f"{numbers} holds a number that is not a duration")
        self._sum += total
        for number in numbers:
            self._counts[bisect_left(self._bounds, number)] += 1

    def told(self) -> tuple[list[tuple[str, float]], float]:
        """The numbers up to each bound, the last of which is infinity, and the sum of all."""
        reached, buckets = 0, []
        for bound, count in zip((*self._bounds, math.inf), self._counts, strict=True):
            reached += count
            text = floatToGoString(bound)  # type: ignore[no-untyped-call]  # the library left it untyped
            buckets.append((text, float(reached)))
        return buckets, self._sum


class Lots(Collector):
    """The series of one metric of the table, by the values of its labels."""

    def __init__(self, metric: Metric, registry: CollectorRegistry) -> None:
        self._metric = metric
        self._lots: dict[tuple[str, ...], Lot] = {}
        for values in metric.known_labels():
            self.labels(*values)
        registry.register(self)

    def labels(self, *values: str) -> Lot:
        """The series with these values, made at its first use."""
        return self._lots.setdefault(values, Lot(self._metric.buckets))

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """The metric without its numbers, so that no other takes its name."""
        yield HistogramMetricFamily(self._metric.name, self._metric.help, labels=self._metric.label_names)

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """The metric as the library writes it."""
        (family,) = self.describe()
        for values, lot in self._lots.items():
            family.add_metric(values, *lot.told())
        yield family
