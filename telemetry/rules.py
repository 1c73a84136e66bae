"""Facts become numbers: one rule a fact.

Invariant: a rule checks first and counts after, so a fact counts in full or not at all; it finds its series without
`.labels()` once they exist, because that lookup costs more than the count.
Does not know: who announces, how the numbers are read.
"""

import math
from collections.abc import Callable
from typing import Any

from prometheus_client import Counter, Histogram

from telemetry import facts
from telemetry.metrics import ENDINGS, OTHER, TOKEN_TYPES
from telemetry.models import ByModel
from telemetry.series import Series

Handler = Callable[[Any], None]


def duration(seconds: float) -> float:
    """A number fit for a histogram's sum: a negative one, the skew of two clocks, counts as 0.

    Raises ValueError for NaN and infinity, which would spoil the sum for good.
    """
    if not seconds < math.inf:
        raise ValueError(f"{seconds} s is not a duration")
    return max(seconds, 0.0)


def _first_content_sent(series: Series) -> Handler:
    totals = ByModel(series.models, series.histogram("sluice_time_to_first_token_seconds").labels)
    relays = series.histogram("sluice_relay_lag_seconds")

    def handle(fact: facts.FirstContentSent) -> None:
        total_s, relay_s = duration(fact.total_s), duration(fact.relay_s)
        totals[fact.model].observe(total_s)
        relays.observe(relay_s)

    return handle


def _job_ended(series: Series) -> Handler:
    jobs, durations = series.counter("sluice_jobs_total"), series.histogram("sluice_stream_duration_seconds")

    def children(model: str) -> dict[str, tuple[Counter, Histogram]]:
        return {ending: (jobs.labels(model, ending), durations.labels(model, ending)) for ending in ENDINGS}

    ended = ByModel(series.models, children)

    def handle(fact: facts.JobEnded) -> None:
        duration_s = duration(fact.duration_s)
        count, lasted = ended[fact.model][fact.ending]
        count.inc()
        lasted.observe(duration_s)

    return handle


def _job_claimed(series: Series) -> Handler:
    waits = ByModel(series.models, series.histogram("sluice_queue_wait_seconds").labels)
    return lambda fact: waits[fact.model].observe(duration(fact.queue_wait_s))


def _upstream_first_content(series: Series) -> Handler:
    waits = ByModel(series.models, series.histogram("sluice_upstream_time_to_first_token_seconds").labels)
    return lambda fact: waits[fact.model].observe(duration(fact.seconds))


def _content_gaps(series: Series) -> Handler:
    gaps = ByModel(series.models, series.lots("sluice_inter_token_seconds").labels)
    return lambda fact: gaps[fact.model].observe(fact.seconds)


def _usage_settled(series: Series) -> Handler:
    tokens = series.counter("sluice_tokens_total")
    counts = ByModel(series.models, lambda model: [tokens.labels(model, kind) for kind in TOKEN_TYPES])
    records = series.by_value("sluice_usage_records_total")

    def handle(fact: facts.UsageSettled) -> None:
        amounts = (fact.input, fact.output, fact.cache_read, fact.cache_creation)
        if min(amounts) < 0:
            raise ValueError(f"{amounts} holds a negative count of tokens")
        records[fact.provenance].inc()
        for count, amount in zip(counts[fact.model], amounts, strict=True):
            count.inc(amount)

    return handle


def _upstream_answered(series: Series) -> Handler:
    calls = series.by_value("sluice_upstream_calls_total")
    return lambda fact: calls.get(str(fact.status), calls[OTHER]).inc()


def _refused(series: Series) -> Handler:
    rejections = series.by_value("sluice_rejections_total")
    return lambda fact: rejections.get(fact.reason, rejections[OTHER]).inc()


def _joined(series: Series) -> Handler:
    joins = series.by_value("sluice_joins_total")
    return lambda fact: joins[fact.known_by].inc()


def _clients_read(series: Series) -> Handler:
    reads = series.by_value("sluice_clients_reloads_total")
    return lambda fact: reads[fact.outcome].inc()


def _replayed(series: Series) -> Handler:
    replays = series.by_value("sluice_replays_total")
    return lambda fact: replays[fact.reason].inc()


def _counted(counter: str) -> Callable[[Series], Handler]:
    def rule(series: Series) -> Handler:
        number = series.counter(counter)
        return lambda fact: number.inc(fact.count)

    return rule


def _step(gauge: str, amount: int) -> Callable[[Series], Handler]:
    def rule(series: Series) -> Handler:
        level = series.gauge(gauge)
        return lambda fact: level.inc(amount)

    return rule


RULES: dict[type, Callable[[Series], Handler]] = {
    facts.FirstContentSent: _first_content_sent,
    facts.SubscriberJoined: _step("sluice_subscribers", 1),
    facts.SubscriberLeft: _step("sluice_subscribers", -1),
    facts.Replayed: _replayed,
    facts.Refused: _refused,
    facts.Joined: _joined,
    facts.ClientsRead: _clients_read,
    facts.JobEnded: _job_ended,
    facts.JobClaimed: _job_claimed,
    facts.JobStarted: _step("sluice_jobs_in_flight", 1),
    facts.JobStopped: _step("sluice_jobs_in_flight", -1),
    facts.UpstreamAnswered: _upstream_answered,
    facts.UpstreamFirstContent: _upstream_first_content,
    facts.ContentGaps: _content_gaps,
    facts.UsageSettled: _usage_settled,
    facts.StreamsRested: _counted("sluice_stream_rests_total"),
    facts.LeasesLost: _counted("sluice_leases_lost_total"),
}
