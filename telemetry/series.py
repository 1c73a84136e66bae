"""The Prometheus objects of the table, in a registry of their own.

Invariant: every series of a closed set of labels exists from the start, so that a rate works from zero.
Does not know: what moves them.
"""

from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from telemetry.lots import Lots
from telemetry.metrics import METRICS, MODEL_LIMIT, Kind, Metric
from telemetry.models import ModelNames

# They would add a series to each counter and histogram; Prometheus sees resets without them.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it untyped


class Series:
    """All metrics of one process, in this registry, found by their names in the table; an unknown name is a
    `KeyError`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.models = ModelNames(MODEL_LIMIT)
        self._rows = {metric.name: metric for metric in METRICS}
        self._counters = {metric.name: self._counter(metric) for metric in _rows("counter")}
        self._gauges = {metric.name: self._gauge(metric) for metric in _rows("gauge")}
        self._histograms = {metric.name: self._histogram(metric) for metric in _rows("histogram") if not metric.in_lots}
        self._lots = {metric.name: Lots(metric, registry) for metric in _rows("histogram") if metric.in_lots}
        for metric in _rows("info"):
            self._info(metric)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def counter(self, name: str) -> Counter:
        """The counter of this name."""
        return self._counters[name]

    def by_value(self, name: str) -> dict[str, Counter]:
        """The children of a counter with a single label, by that label's values from the table."""
        (label,) = self._rows[name].labels
        return {value: self._counters[name].labels(value) for value in label.values}

    def gauge(self, name: str) -> Gauge:
        """The gauge of this name."""
        return self._gauges[name]

    def histogram(self, name: str) -> Histogram:
        """The histogram of this name, to which numbers come one by one."""
        return self._histograms[name]

    def lots(self, name: str) -> Lots:
        """The histogram of this name, to which numbers come in lots."""
        return self._lots[name]

    def _counter(self, metric: Metric) -> Counter:
        made = Counter(metric.name, metric.help, metric.label_names, registry=self.registry)
        for values in metric.known_labels():
            made.labels(*values)
        return made

    def _gauge(self, metric: Metric) -> Gauge:
        return Gauge(metric.name, metric.help, registry=self.registry)

    def _histogram(self, metric: Metric) -> Histogram:
        made = Histogram(metric.name, metric.help, metric.label_names, registry=self.registry, buckets=metric.buckets)
        for values in metric.known_labels():
            made.labels(*values)
        return made

    def _info(self, metric: Metric) -> None:
        made = Info(metric.name.removesuffix("_info"), metric.help, registry=self.registry)
        made.info({"version": version("sluice")})


def _rows(kind: Kind) -> list[Metric]:
    return [metric for metric in METRICS if metric.kind == kind]
