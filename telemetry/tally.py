"""Where facts arrive: kept for a moment, then one lookup by type, and the rule's prebuilt handler.

Whoever announces is on the way to somebody's first token, and code that has not run for a while costs ten times as
much (measured: docs/decisions/0016-off-the-way-of-a-first-token.md): so facts are counted many at once, best by the way
of one that comes behind first tokens, and at the latest when numbers are read.
Invariant: announcing never raises into the caller and never waits; at most `_MOST_KEPT` facts are not counted yet, and
none once a number has been read. What cannot be counted is itself counted, and the first of each kind is logged.
Does not know: what a fact means, but that gaps come while content does.
"""

import logging
import math
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric

from telemetry.facts import ContentGaps, Fact
from telemetry.metrics import FACT_NAMES, UNKNOWN
from telemetry.rules import RULES
from telemetry.series import Series

_MOST_KEPT = 64
_ENOUGH_KEPT = 16  # for a fact that comes while content does: more at once would hold streams up
_log = logging.getLogger("sluice.telemetry")


class _Registry(CollectorRegistry):
    """Nothing is read of it before `settle` has been called."""

    def __init__(self, settle: Callable[[], None]) -> None:
        super().__init__()
        self._settle = settle

    def collect(self) -> Iterable[Metric]:
        self._settle()
        return super().collect()


class Tally:
    """The numbers of one process."""

    def __init__(self) -> None:
        self.registry = _Registry(self._count)
        self._kept: list[Fact] = []
        series = Series(self.registry)
        self._handlers = {kind: rule(series) for kind, rule in RULES.items()}
        self._dropped = series.by_value("sluice_facts_dropped_total")
        self._complained: set[str] = set()
        self._depth = series.gauge("sluice_queue_depth")
        self._oldest = series.gauge("sluice_queue_oldest_seconds")
        self._leases = series.gauge("sluice_leases")
        self._workers = series.gauge("sluice_workers")
        self.clear_fleet()

    def announce(self, fact: Fact) -> None:
        """Take one fact, to be counted with its neighbours: a lookup and a few additions each. Raises nothing."""
        self._kept.append(fact)
        if len(self._kept) >= (_ENOUGH_KEPT if type(fact) is ContentGaps else _MOST_KEPT):
            self._count()

    def set_fleet(
        self, queue_depth: float | None, oldest_s: float | None, leases: float | None, workers: float | None
    ) -> None:
        """Show one reading of the fleet: jobs waiting, age in seconds of the oldest (0: none waits), jobs leased,
        live workers. What could not be read is None, and shows as NaN.
        """
        self._depth.set(math.nan if queue_depth is None else queue_depth)
        self._oldest.set(math.nan if oldest_s is None else oldest_s)
        self._leases.set(math.nan if leases is None else leases)
        self._workers.set(math.nan if workers is None else workers)

    def clear_fleet(self) -> None:
        """The reading failed: NaN is better than a number that was true once."""
        self.set_fleet(None, None, None, None)

    def _count(self) -> None:
        kept, self._kept = self._kept, []
        for fact in kept:
            try:
                self._handlers[type(fact)](fact)
            # Whatever is wrong with a number, it must not harm the stream that it describes.
            except Exception as problem:
                self._drop(fact, problem)

    def _drop(self, fact: Fact, problem: Exception) -> None:
        name = type(fact).__name__ if type(fact).__name__ in FACT_NAMES else UNKNOWN
        self._dropped[name].inc()
        if name not in self._complained:
            self._complained.add(name)
            _log.error("a fact of kind %s could not be counted: %r", name, problem)
