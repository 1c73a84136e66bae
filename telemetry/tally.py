"""Where facts arrive: one lookup by type, then the rule's prebuilt handler.

Invariant: announcing never raises into the caller and never waits; what cannot be counted is itself counted, and
the first of each kind is logged.
Does not know: what any fact means.
"""

import logging
import math

from telemetry.facts import Fact
from telemetry.metrics import FACT_NAMES, UNKNOWN
from telemetry.rules import RULES
from telemetry.series import Series

_log = logging.getLogger("sluice.telemetry")


class Tally:
    """The numbers of one process."""

    def __init__(self) -> None:
        series = Series()
        self.registry = series.registry
        self._handlers = {kind: rule(series) for kind, rule in RULES.items()}
        self._dropped = series.by_value("sluice_facts_dropped_total")
        self._complained: set[str] = set()
        self._depth = series.gauge("sluice_queue_depth")
        self._oldest = series.gauge("sluice_queue_oldest_seconds")
        self._leases = series.gauge("sluice_leases")
        self._workers = series.gauge("sluice_workers")
        self.clear_fleet()

    def announce(self, fact: Fact) -> None:
        """Count one fact: a lookup and a few additions, 1 to 3 µs. Raises nothing."""
        try:
            self._handlers[type(fact)](fact)
        # Whatever is wrong with a number, it must not harm the stream that it describes.
        except Exception as problem:
            self._drop(fact, problem)

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

    def _drop(self, fact: Fact, problem: Exception) -> None:
        name = type(fact).__name__ if type(fact).__name__ in FACT_NAMES else UNKNOWN
        self._dropped[name].inc()
        if name not in self._complained:
            self._complained.add(name)
            _log.error("a fact of kind %s could not be counted: %r", name, problem)
