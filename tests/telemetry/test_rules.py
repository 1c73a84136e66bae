"""Each definition, pinned: a fact changes exactly these series by exactly these amounts."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from telemetry import facts
from telemetry.metrics import DURATION_S, LATENCY_S, RELAY_S, STATUSES
from telemetry.tally import Tally

Changes = dict[tuple[str, ...], float]
ChangesOf = Callable[..., Changes]


def test_first_content_tells_the_whole_wait_and_the_relays_part(changes: ChangesOf, observed: ChangesOf) -> None:
    """FirstContentSent moves time to first token by model, and relay lag without one."""
    assert changes(facts.FirstContentSent("claude-x", total_s=0.5, relay_s=0.0025)) == {
        **observed("sluice_time_to_first_token_seconds", 0.5, LATENCY_S, "model=claude-x"),
        **observed("sluice_relay_lag_seconds", 0.0025, RELAY_S),
    }


@pytest.mark.parametrize("ending", get_args(facts.Ending))
def test_an_ending_counts_the_job_and_its_duration(ending: str, changes: ChangesOf, observed: ChangesOf) -> None:
    """JobEnded moves jobs and stream duration of its model and ending."""
    assert changes(facts.JobEnded("claude-x", ending, duration_s=12.5)) == {
        ("sluice_jobs_total", f"ending={ending}", "model=claude-x"): 1,
        **observed("sluice_stream_duration_seconds", 12.5, DURATION_S, f"ending={ending}", "model=claude-x"),
    }


def test_a_claim_tells_the_queue_wait(changes: ChangesOf, observed: ChangesOf) -> None:
    """JobClaimed moves queue wait and nothing else."""
    assert changes(facts.JobClaimed("claude-x", queue_wait_s=0.25)) == observed(
        "sluice_queue_wait_seconds", 0.25, LATENCY_S, "model=claude-x"
    )


def test_upstream_content_tells_the_upstreams_wait(changes: ChangesOf, observed: ChangesOf) -> None:
    """UpstreamFirstContent moves the upstream's time to first token and nothing else."""
    assert changes(facts.UpstreamFirstContent("claude-x", seconds=0.75)) == observed(
        "sluice_upstream_time_to_first_token_seconds", 0.75, LATENCY_S, "model=claude-x"
    )


def test_a_gap_is_one_inter_token_time(changes: ChangesOf, observed: ChangesOf) -> None:
    """ContentGaps moves inter-token time and nothing else."""
    assert changes(facts.ContentGaps("claude-x", seconds=[0.03125])) == observed(
        "sluice_inter_token_seconds", 0.03125, LATENCY_S, "model=claude-x"
    )


def test_an_observation_on_a_bound_belongs_to_its_bucket(changes: ChangesOf, observed: ChangesOf) -> None:
    """A bucket includes its upper bound, and what is above the last one is only in +Inf."""
    assert changes(facts.ContentGaps("m", [0.25])) == observed("sluice_inter_token_seconds", 0.25, LATENCY_S, "model=m")
    assert changes(facts.ContentGaps("m", [61])) == observed("sluice_inter_token_seconds", 61, LATENCY_S, "model=m")


@pytest.mark.parametrize("provenance", get_args(facts.Provenance))
def test_usage_counts_tokens_by_type_and_the_record_by_provenance(provenance: Any, changes: ChangesOf) -> None:
    """UsageSettled adds each count to its own type and one record to its provenance."""
    assert changes(facts.UsageSettled("claude-x", 10, 20, 300, 4000, provenance)) == {
        ("sluice_tokens_total", "model=claude-x", "type=input"): 10,
        ("sluice_tokens_total", "model=claude-x", "type=output"): 20,
        ("sluice_tokens_total", "model=claude-x", "type=cache_read"): 300,
        ("sluice_tokens_total", "model=claude-x", "type=cache_creation"): 4000,
        ("sluice_usage_records_total", f"provenance={provenance}"): 1,
    }


@pytest.mark.parametrize("status", [*STATUSES, "error"])
def test_an_upstream_answer_counts_by_status(status: Any, changes: ChangesOf) -> None:
    """UpstreamAnswered moves its status."""
    assert changes(facts.UpstreamAnswered(status)) == {("sluice_upstream_calls_total", f"status={status}"): 1}


def test_an_unlisted_status_is_other(changes: ChangesOf) -> None:
    """A status outside the closed set makes no series of its own."""
    assert changes(facts.UpstreamAnswered(418)) == {("sluice_upstream_calls_total", "status=other"): 1}


@pytest.mark.parametrize("reason", get_args(facts.RefusalReason))
def test_a_refusal_counts_by_reason(reason: str, changes: ChangesOf) -> None:
    """Refused moves its reason."""
    assert changes(facts.Refused(reason)) == {("sluice_rejections_total", f"reason={reason}"): 1}


def test_an_unknown_refusal_is_other(changes: ChangesOf) -> None:
    """A reason outside the closed set makes no series of its own."""
    assert changes(facts.Refused("moon phase")) == {("sluice_rejections_total", "reason=other"): 1}


@pytest.mark.parametrize("reason", get_args(facts.ReplayReason))
def test_a_replay_counts_by_reason(reason: str, changes: ChangesOf) -> None:
    """Replayed moves its reason."""
    assert changes(facts.Replayed(reason)) == {("sluice_replays_total", f"reason={reason}"): 1}


def test_lost_leases_are_added_up(changes: ChangesOf) -> None:
    """LeasesLost adds its count, and so does StreamsRested."""
    assert changes(facts.StreamsRested(3), facts.StreamsRested(2)) == {("sluice_stream_rests_total",): 5}
    assert changes(facts.LeasesLost(3), facts.LeasesLost(2)) == {("sluice_leases_lost_total",): 5}


def test_subscribers_rise_and_fall(changes: ChangesOf) -> None:
    """SubscriberJoined adds one to the gauge, SubscriberLeft takes it away."""
    assert changes(facts.SubscriberJoined(), facts.SubscriberJoined()) == {("sluice_subscribers",): 2}
    assert changes(facts.SubscriberLeft()) == {("sluice_subscribers",): -1}


def test_jobs_in_flight_rise_and_fall(changes: ChangesOf) -> None:
    """JobStarted adds one to the gauge, JobStopped takes it away."""
    assert changes(facts.JobStarted(), facts.JobStarted()) == {("sluice_jobs_in_flight",): 2}
    assert changes(facts.JobStopped()) == {("sluice_jobs_in_flight",): -1}


def test_a_negative_duration_counts_as_zero(changes: ChangesOf, observed: ChangesOf) -> None:
    """Clocks of two machines may disagree; the sum of a histogram never falls."""
    moved = changes(facts.JobClaimed("m", queue_wait_s=-0.004))
    expected = observed("sluice_queue_wait_seconds", 0.0, LATENCY_S, "model=m")
    assert moved == {key: value for key, value in expected.items() if value}


@pytest.mark.parametrize(
    "fact",
    [
        facts.FirstContentSent("m", total_s=1.0, relay_s=float("nan")),
        facts.JobEnded("m", "done", duration_s=float("inf")),
        facts.JobEnded("m", "vanished", duration_s=1.0),
        facts.UsageSettled("m", 1, 2, 3, -4, "reported"),
        facts.UsageSettled("m", 1, 2, 3, 4, "guessed"),  # type: ignore[arg-type]  # the wrong word is the point
        facts.Replayed("boredom"),
        facts.LeasesLost(-1),
    ],
)
def test_what_cannot_be_counted_is_not_counted_in_part(fact: facts.Fact, changes: ChangesOf) -> None:
    """A fact with one wrong field moves only the count of dropped facts."""
    assert changes(fact) == {("sluice_facts_dropped_total", f"fact={type(fact).__name__}"): 1}


def test_a_model_beyond_the_limit_is_counted_as_other(tally: Tally, changes: ChangesOf, observed: ChangesOf) -> None:
    """After fifty names a new one moves the other series."""
    for number in range(50):
        tally.announce(facts.JobClaimed(f"m{number}", 0.5))
    assert changes(facts.JobClaimed("m50", 0.5)) == observed("sluice_queue_wait_seconds", 0.5, LATENCY_S, "model=other")
    assert changes(facts.JobClaimed("m49", 0.5)) == observed("sluice_queue_wait_seconds", 0.5, LATENCY_S, "model=m49")
