"""The table of metrics keeps to the conventions that dashboards rely on."""

import re

import pytest

from telemetry.metrics import METRICS, Metric

PROMISED = {
    *("sluice_time_to_first_token_seconds", "sluice_upstream_time_to_first_token_seconds"),
    *("sluice_queue_wait_seconds", "sluice_inter_token_seconds", "sluice_stream_duration_seconds"),
    *("sluice_relay_lag_seconds", "sluice_tokens_total", "sluice_jobs_total", "sluice_jobs_in_flight"),
    *("sluice_queue_depth", "sluice_queue_oldest_seconds", "sluice_subscribers", "sluice_replays_total"),
    *("sluice_upstream_calls_total", "sluice_leases_lost_total", "sluice_rejections_total", "sluice_build_info"),
    *("sluice_leases", "sluice_workers"),
}
LABELS = {"model", "ending", "type", "status", "reason", "provenance", "fact", "version", "outcome"}

each_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


def test_every_promised_metric_exists() -> None:
    """The names that the design promises to dashboards are in the table."""
    assert {metric.name for metric in METRICS} >= PROMISED


def test_a_name_stands_for_one_metric() -> None:
    """No name is in the table twice."""
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))


@each_metric
def test_a_name_ends_in_its_unit(metric: Metric) -> None:
    """Counters end in _total, histograms in _seconds, infos in _info, and a gauge in neither _total nor _info."""
    assert re.fullmatch(r"sluice_[a-z]+(_[a-z]+)*", metric.name)
    assert metric.name.endswith("_total") is (metric.kind == "counter")
    assert metric.name.endswith("_info") is (metric.kind == "info")
    assert metric.name.endswith("_seconds") or metric.kind != "histogram"


@each_metric
def test_a_label_is_one_of_few_and_never_a_person_or_job(metric: Metric) -> None:
    """Only the known labels appear, and only model and version may take values that are not listed."""
    assert {label.name for label in metric.labels} <= LABELS
    assert all(label.values and not label.more for label in metric.labels if label.name not in ("model", "version"))


@each_metric
def test_a_definition_is_a_sentence(metric: Metric) -> None:
    """The help is a full definition, not a name said again."""
    assert metric.help[0].isupper()
    assert metric.help.endswith(".")
    assert len(metric.help.split()) >= 6


@each_metric
def test_buckets_rise_and_belong_to_histograms(metric: Metric) -> None:
    """A histogram has rising positive bounds of its own; nothing else has any."""
    assert bool(metric.buckets) is (metric.kind == "histogram")
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert all(bound > 0 for bound in metric.buckets)
