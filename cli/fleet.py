"""How a Sluice is, read from `/readyz` and `/metrics` of one gateway.

Invariant: what is not known is None, never 0. First-token times are those that this gateway has measured: since its
start, or between two readings.
Does not know: how it is shown.
"""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from prometheus_client.parser import text_string_to_metric_families

from cli.answer import AnswerError
from cli.client import Client
from cli.refused import refusal

_FIRST_TOKEN = "sluice_time_to_first_token_seconds_bucket"  # noqa: S105 - a metric


@dataclass(frozen=True)
class Fleet:
    """One reading."""

    ready: bool
    redis: bool
    draining: bool
    workers: int | None
    queued: int | None
    oldest_s: float | None
    running: int | None
    streams: int | None
    first_tokens: Mapping[float, float] = field(default_factory=dict)  # answers at or below so many seconds


def read(client: Client) -> Fleet:
    """Ask now. Raises Unreachable, AnswerError if these are not a gateway's answers."""
    readiness, metrics = client.look("/readyz"), client.look("/metrics")
    try:
        state = dict(readiness.json())
        if "ready" not in state:
            raise ValueError(state)
        gauges, buckets = _numbers(metrics.text)
    except (ValueError, TypeError) as error:
        raise AnswerError(f"{client.url} does not look like a Sluice: {refusal(readiness)}") from error
    return Fleet(
        ready=bool(state["ready"]),
        redis=bool(state.get("redis")),
        draining=bool(state.get("draining")),
        workers=_whole(state.get("workers")),
        queued=_whole(state.get("queued")),
        oldest_s=gauges.get("sluice_queue_oldest_seconds"),
        running=_whole(gauges.get("sluice_leases")),
        streams=_whole(gauges.get("sluice_subscribers")),
        first_tokens=buckets,
    )


def between(earlier: Mapping[float, float], later: Mapping[float, float]) -> Mapping[float, float]:
    """The answers that came in between; all of the later ones if the gateway was started again."""
    if any(later.get(bound, 0) < count for bound, count in earlier.items()):
        return later
    return {bound: count - earlier.get(bound, 0) for bound, count in later.items()}


def counted(buckets: Mapping[float, float]) -> int:
    """How many answers they hold."""
    return int(buckets.get(math.inf, 0))


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """The time that `share` of the answers kept, as Prometheus reckons it: evenly spread within a bucket.

    None without answers; beyond the last bound, that bound.
    """
    if not counted(buckets):
        return None
    rank = share * counted(buckets)
    for (low, below), (high, count) in pairwise([(0.0, 0.0), *sorted(buckets.items())]):
        if count >= rank and count > below:
            return low if math.isinf(high) else low + (high - low) * (rank - below) / (count - below)
    return None


def _numbers(text: str) -> tuple[dict[str, float], Mapping[float, float]]:
    """Plain gauges that are known, and the first-token buckets of all models together."""
    gauges: dict[str, float] = {}
    buckets: defaultdict[float, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == _FIRST_TOKEN:
                buckets[float(sample.labels["le"])] += sample.value
            elif not sample.labels and not math.isnan(sample.value):
                gauges[sample.name] = sample.value
    return gauges, dict(buckets)


def _whole(number: object) -> int | None:
    return int(number) if isinstance(number, int | float) else None
