"""Announcing is quick, safe and never the caller's problem."""

import logging
import math
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client.metrics import MetricWrapperBase

import telemetry
from telemetry import facts
from telemetry.process import tally as own
from telemetry.tally import Tally

FLEET = ("sluice_queue_depth", "sluice_queue_oldest_seconds", "sluice_leases", "sluice_workers")
Read = Callable[[], dict[tuple[str, ...], float]]

ONE_OF_EACH: list[facts.Fact] = [
    facts.FirstContentSent("m", 0.5, 0.001),
    facts.SubscriberJoined(),
    facts.SubscriberLeft(),
    facts.Replayed("resume"),
    facts.Refused("invalid"),
    facts.JobEnded("m", "done", 2.0),
    facts.JobClaimed("m", 0.002),
    facts.JobStarted(),
    facts.JobStopped(),
    facts.UpstreamAnswered(200),
    facts.UpstreamFirstContent("m", 0.4),
    facts.ContentGaps("m", [0.03]),
    facts.UsageSettled("m", 1, 2, 3, 4, "reported"),
    facts.LeasesLost(1),
]


def dropped(tally: Tally, kind: str) -> float | None:
    return tally.registry.get_sample_value("sluice_facts_dropped_total", {"fact": kind})


@pytest.mark.parametrize("nonsense", [None, 7, "JobStarted", object()])
def test_what_is_no_fact_is_counted_as_unknown(tally: Tally, nonsense: Any) -> None:
    """Announcing anything at all raises nothing."""
    tally.announce(nonsense)
    assert dropped(tally, "unknown") == 1


def test_a_word_that_cannot_be_looked_up_is_no_harm(tally: Tally) -> None:
    """A model that is not text is dropped and counted."""
    tally.announce(facts.JobClaimed(["a list"], 0.5))  # type: ignore[arg-type]  # the wrong type is the point
    assert dropped(tally, "JobClaimed") == 1


def test_the_first_dropped_fact_of_a_kind_is_logged(tally: Tally, caplog: pytest.LogCaptureFixture) -> None:
    """A fault is said once a kind, so that a hot fact cannot flood the log."""
    with caplog.at_level(logging.ERROR, logger="sluice.telemetry"):
        for _ in range(3):
            tally.announce(facts.ContentGaps("m", [math.nan]))
        tally.announce(facts.LeasesLost(-1))
        assert dropped(tally, "ContentGaps") == 3
    kinds = [record.getMessage().split()[4] for record in caplog.records]
    assert kinds == ["ContentGaps", "LeasesLost"]


def test_known_series_are_found_without_a_labels_lookup(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a model was seen, counting a fact does not call `.labels()`, which costs more than the count."""
    for fact in ONE_OF_EACH:
        tally.announce(fact)
    assert dropped(tally, "JobStarted") == 0
    monkeypatch.setattr(MetricWrapperBase, "labels", None)
    for fact in ONE_OF_EACH:
        tally.announce(fact)
    assert dropped(tally, "JobStarted") == 0
    monkeypatch.undo()
    assert tally.registry.get_sample_value("sluice_inter_token_seconds_count", {"model": "m"}) == 2
    assert [dropped(tally, type(fact).__name__) for fact in ONE_OF_EACH] == [0] * len(ONE_OF_EACH)


def test_facts_are_counted_many_at_once(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a first token wait until it has left: for others, at most 64 in all, or for whoever reads a number."""
    counted: list[facts.Fact] = []
    monkeypatch.setitem(tally._handlers, facts.LeasesLost, counted.append)
    announced = [facts.LeasesLost(number) for number in range(65)]
    for fact in announced[:63]:
        tally.announce(fact)
    assert counted == []
    for fact in announced[63:]:
        tally.announce(fact)
    assert counted == announced[:64]
    assert dropped(tally, "LeasesLost") == 0
    assert counted == announced


def test_facts_are_counted_by_the_way_of_one_that_is_in_no_hurry(tally: Tally, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps come while content does: with them 16 are counted at once, which takes less than an event may wait."""
    counted: list[facts.Fact] = []
    for kind in (facts.LeasesLost, facts.ContentGaps):
        monkeypatch.setitem(tally._handlers, kind, counted.append)
    gaps = facts.ContentGaps("m", [0.1])
    lost: list[facts.Fact] = [facts.LeasesLost(number) for number in range(15)]
    for fact in [gaps, *lost]:
        tally.announce(fact)
    assert counted == []
    tally.announce(gaps)
    assert counted == [gaps, *lost, gaps]


def test_a_fleet_that_nobody_read_is_nan(tally: Tally) -> None:
    """Before the first reading the fleet's gauges are NaN, not zero."""
    assert all(math.isnan(tally.registry.get_sample_value(name) or 0.0) for name in FLEET)


def test_a_reading_of_the_fleet_is_shown(tally: Tally) -> None:
    """Each number of the reading goes to its own gauge."""
    tally.set_fleet(queue_depth=7, oldest_s=1.5, leases=160, workers=8)
    assert [tally.registry.get_sample_value(name) for name in FLEET] == [7, 1.5, 160, 8]


def test_a_part_that_could_not_be_read_is_nan(tally: Tally, series: Read) -> None:
    """None shows as NaN and leaves the other gauges alone."""
    tally.set_fleet(7, None, 160, 8)
    assert {key[0] for key in series() if key[0] in FLEET} == set(FLEET) - {"sluice_queue_oldest_seconds"}


def test_a_failed_reading_clears_the_old_one(tally: Tally, series: Read) -> None:
    """After clear_fleet no gauge shows what was true once."""
    tally.set_fleet(7, 1.5, 160, 8)
    tally.clear_fleet()
    assert not {key[0] for key in series()} & set(FLEET)


def test_the_package_announces_into_the_tally_of_the_process() -> None:
    """`telemetry.announce`, `set_fleet` and `clear_fleet` reach the registry that is served."""
    before = own.registry.get_sample_value("sluice_leases_lost_total") or 0
    telemetry.announce(telemetry.facts.LeasesLost(2))
    telemetry.set_fleet(3, 0, 2, 1)
    depth = own.registry.get_sample_value("sluice_queue_depth")
    telemetry.clear_fleet()
    assert (own.registry.get_sample_value("sluice_leases_lost_total"), depth) == (before + 2, 3)
