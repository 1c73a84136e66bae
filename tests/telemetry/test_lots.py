"""The histogram to which numbers come in lots."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from telemetry.exposition import render
from telemetry.lots import Lot, Lots
from telemetry.metrics import METRICS

GAPS = next(metric for metric in METRICS if metric.in_lots)


@given(st.lists(st.lists(st.floats(0, 100) | st.sampled_from(GAPS.buckets), max_size=40), max_size=5))
def test_a_scraper_sees_what_the_library_would_have_shown(lots: list[list[float]]) -> None:
    """The same bytes as of the library's histogram that was told each number, but for the rounding of the sum."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    lot = Lots(GAPS, ours).labels("claude-x")
    histogram = Histogram(GAPS.name, GAPS.help, GAPS.label_names, registry=theirs, buckets=GAPS.buckets)
    histogram.labels("other")
    child = histogram.labels("claude-x")
    for numbers in lots:
        lot.observe(numbers)
        for number in numbers:
            child.observe(number)
    (*lines, last), (*expected, sums) = (
        sorted(render(None, registry)[0].decode().split("\n"), key=lambda line: '_sum{model="claude-x' in line)
        for registry in (ours, theirs)
    )
    assert lines == expected
    assert float(last.split()[1]) == pytest.approx(float(sums.split()[1]))


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.001])
def test_a_lot_with_a_number_that_is_no_duration_counts_nothing(wrong: float) -> None:
    """It is refused as a whole, and the series stays as it was."""
    lot = Lot((0.1, 1.0))
    lot.observe([0.5])
    for lot_of_three in ([0.5, wrong, 0.5], [wrong, 0.5, 0.5], [0.5, 0.5, wrong]):
        with pytest.raises(ValueError, match="not a duration"):
            lot.observe(lot_of_three)
    assert lot.told() == ([("0.1", 0), ("1.0", 1), ("+Inf", 1)], 0.5)


def test_no_other_metric_takes_its_name() -> None:
    """The registry knows its names before anything was counted."""
    registry = CollectorRegistry()
    Lots(GAPS, registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Histogram(GAPS.name, GAPS.help, registry=registry)
