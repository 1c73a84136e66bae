"""What the telemetry tests share: a tally of their own, and the exact changes that a fact makes."""

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from telemetry.exposition import render
from telemetry.facts import Fact
from telemetry.tally import Tally

Sample = tuple[str, ...]
Changes = dict[Sample, float]


@pytest.fixture
def tally() -> Tally:
    """A tally with a registry of its own, from zero."""
    return Tally()


def read(tally: Tally) -> dict[Sample, float]:
    """Every sluice_ series as a scraper reads it, NaN left out: (name, label=value, …) → value."""
    text = render(None, tally.registry)[0].decode()
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("sluice_") and sample.value == sample.value
    }


@pytest.fixture
def series(tally: Tally) -> Callable[[], dict[Sample, float]]:
    """Reads all series of the test's tally."""
    return lambda: read(tally)


@pytest.fixture
def changes(tally: Tally) -> Callable[..., Changes]:
    """Announces facts and returns exactly the series that changed, and by how much."""

    def announce(*facts: Fact) -> Changes:
        before = read(tally)
        for fact in facts:
            tally.announce(fact)
        after = read(tally)
        return {key: value - before.get(key, 0.0) for key, value in after.items() if value != before.get(key, 0.0)}

    return announce


@pytest.fixture
def observed() -> Callable[..., Changes]:
    """The changes that one observation makes: the sum, the count and every bucket at or above it."""

    def expected(name: str, seconds: float, bounds: tuple[float, ...], *labels: str) -> Changes:
        reached = [f"le={float(bound)}" for bound in bounds if seconds <= bound] + ["le=+Inf"]
        buckets: Changes = {(f"{name}_bucket", *sorted((*labels, le))): 1.0 for le in reached}
        return {**buckets, (f"{name}_count", *labels): 1.0, (f"{name}_sum", *labels): seconds}

    return expected
