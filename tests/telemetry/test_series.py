"""The Prometheus objects of one process."""

from collections.abc import Callable
from importlib.metadata import version

import pytest
from prometheus_client import CollectorRegistry

from telemetry.metrics import METRICS
from telemetry.series import Series


def test_every_series_of_a_closed_set_exists_before_the_first_fact(
    series: Callable[[], dict[tuple[str, ...], float]],
) -> None:
    """A scrape of a fresh process holds each combination of known labels, at zero."""
    values = series()
    for metric in METRICS:
        suffix = "_count" if metric.kind == "histogram" else ""
        for known in metric.known_labels():
            labels = sorted(f"{name}={value}" for name, value in zip(metric.label_names, known, strict=True))
            assert values[(metric.name + suffix, *labels)] == 0


def test_the_build_is_told() -> None:
    """sluice_build_info is 1 and names the installed version."""
    (sample,) = [
        sample
        for family in Series(CollectorRegistry()).registry.collect()
        for sample in family.samples
        if sample.name == "sluice_build_info"
    ]
    assert (sample.value, sample.labels) == (1, {"version": version("sluice")})


def test_process_and_platform_are_told_beside_the_table() -> None:
    """The registry holds the table, python_info and process metrics, and nothing of other registries."""
    names = {family.name for family in Series(CollectorRegistry()).registry.collect()}
    ours = {metric.name.removesuffix("_total").removesuffix("_info") for metric in METRICS}
    assert names >= ours | {"python_info"}
    assert all(name.startswith("process_") for name in names - ours - {"python_info"})


def test_two_registries_do_not_meet(series: Callable[[], dict[tuple[str, ...], float]]) -> None:
    """What one registry counts is not seen in another."""
    Series(CollectorRegistry()).counter("sluice_leases_lost_total").inc()
    assert series()[("sluice_leases_lost_total",)] == 0


def test_no_series_tells_when_it_was_created(series: Callable[[], dict[tuple[str, ...], float]]) -> None:
    """The _created series, one more for each counter and histogram, are left out."""
    assert not [name for name, *_ in series() if name.endswith("_created")]


def test_an_unknown_name_is_an_error() -> None:
    """A metric that is not in the table cannot be had."""
    with pytest.raises(KeyError):
        Series(CollectorRegistry()).counter("sluice_nothing_total")
