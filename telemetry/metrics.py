"""The one table of metrics: from it come the Prometheus objects, `docs/metrics.md` and the tests.

Invariant: a metric's `help` is its exact definition, and its labels come from closed sets; `model`, the caller's
word, is capped (`models.py`). No label names a user or a job.
Does not know: which fact moves which metric (`rules.py`), Prometheus' objects (`series.py`).
"""

from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

from telemetry.facts import Ending, Fact, Provenance, RefusalReason, ReplayReason, Reread, Sameness

ENDINGS: tuple[str, ...] = get_args(Ending)
TOKEN_TYPES = ("input", "output", "cache_read", "cache_creation")
FACT_NAMES = tuple(sorted(fact.__name__ for fact in get_args(Fact)))

MODEL_LIMIT = 50
OTHER = "other"
UNKNOWN = "unknown"

# Those of gen_ai.server.time_to_first_token (OpenTelemetry GenAI conventions), then 15 to 60 s.
LATENCY_S = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 20, 30, 45, 60)
# A run may last an hour.
DURATION_S = (*LATENCY_S, 120, 300, 600, 1800, 3600)
# The conventions step from 1 to 5 ms, and the relay's whole share is to stay within that.
RELAY_S = (0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.0075, 0.01, 0.02, 0.04, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

Kind = Literal["counter", "gauge", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Label:
    """A label's name, the values that exist from the start, and (`more`) which others may follow; empty: none."""

    name: str
    values: tuple[str, ...]
    more: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """One row: `told_by` are the rooms that announce it; `buckets` are upper bounds in seconds, histograms only, and
    `in_lots` is whether their numbers come many at a time."""

    name: str
    kind: Kind
    help: str
    told_by: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()
    in_lots: bool = False

    @property
    def label_names(self) -> list[str]:
        """In the order in which label values are given."""
        return [label.name for label in self.labels]

    def known_labels(self) -> list[tuple[str, ...]]:
        """Every combination of label values that exists from the start; none for a metric without labels."""
        return list(product(*(label.values for label in self.labels))) if self.labels else []


MODEL = Label("model", (OTHER,), f"the first {MODEL_LIMIT} distinct names of a process")
ENDING = Label("ending", ENDINGS)
TOKEN_TYPE = Label("type", TOKEN_TYPES)
STATUSES = (200, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)
STATUS = Label("status", (*map(str, STATUSES), "error", OTHER))

METRICS = (
    Metric(
        "sluice_time_to_first_token_seconds",
        "histogram",
        "Seconds from accepting a request to writing its first content to its first subscriber; once a job, "
        "never for followers that joined or resumed.",
        "gateway",
        (MODEL,),
        LATENCY_S,
    ),
    Metric(
        "sluice_relay_lag_seconds",
        "histogram",
        "The part of the time to first token that is neither queue wait nor worker nor upstream; once a job.",
        "gateway",
        buckets=RELAY_S,
    ),
    Metric(
        "sluice_queue_wait_seconds",
        "histogram",
        "Seconds from a job's submit to its claim; once a claim, so a job that is claimed again counts again, from its "
        "submit on.",
        "worker",
        (MODEL,),
        LATENCY_S,
    ),
    Metric(
        "sluice_upstream_time_to_first_token_seconds",
        "histogram",
        "Seconds from sending an upstream call to reading its first content; once a call that brought content.",
        "worker",
        (MODEL,),
        LATENCY_S,
    ),
    Metric(
        "sluice_inter_token_seconds",
        "histogram",
        "Seconds between two content chunks of one stream as the worker read them; a chunk may hold many tokens.",
        "worker",
        (MODEL,),
        LATENCY_S,
        in_lots=True,
    ),
    Metric(
        "sluice_stream_rests_total",
        "counter",
        "Reads of streams that waited for their turn, since all workers read as often as SLUICE_READS_PER_S allows.",
        "worker",
    ),
    Metric(
        "sluice_stream_duration_seconds",
        "histogram",
        "Seconds from accepting a request to its job's ending, by ending; once a job.",
        "gateway, worker",
        (MODEL, ENDING),
        DURATION_S,
    ),
    Metric(
        "sluice_jobs_total",
        "counter",
        "Jobs that ended, by ending; once a job, counted by the process whose script ended it.",
        "gateway, worker",
        (MODEL, ENDING),
    ),
    Metric(
        "sluice_tokens_total",
        "counter",
        "Tokens of settled usage records, by type; a retried upstream call settles a record of its own.",
        "gateway, worker",
        (MODEL, TOKEN_TYPE),
    ),
    Metric(
        "sluice_usage_records_total",
        "counter",
        "Usage records settled, one an upstream call, by where their numbers come from.",
        "gateway, worker",
        (Label("provenance", get_args(Provenance)),),
    ),
    Metric(
        "sluice_upstream_calls_total",
        "counter",
        "Upstream calls by HTTP status; error: no status came at all; other: a status that is not listed.",
        "worker",
        (STATUS,),
    ),
    Metric(
        "sluice_rejections_total",
        "counter",
        "Requests that the gateway answered with an error of its own, by reason; upstream refusals are not among them.",
        "gateway",
        (Label("reason", get_args(RefusalReason)),),
    ),
    Metric(
        "sluice_clients_reloads_total",
        "counter",
        "Times that the clients file had changed: taken over, or refused because it will not do.",
        "gateway",
        (Label("outcome", get_args(Reread)),),
    ),
    Metric(
        "sluice_joins_total",
        "counter",
        "Calls that repeated an earlier one and were led to its job, by what told so: an Idempotency-Key, or an "
        "SDK's word that it retries.",
        "gateway",
        (Label("reason", get_args(Sameness)),),
    ),
    Metric(
        "sluice_replays_total",
        "counter",
        "Times that a subscriber read the log instead of live chunks, by reason.",
        "gateway",
        (Label("reason", get_args(ReplayReason)),),
    ),
    Metric(
        "sluice_leases_lost_total", "counter", "Leases that had run out when this worker's sweep found them.", "worker"
    ),
    Metric(
        "sluice_facts_dropped_total",
        "counter",
        "Announced facts that could not be counted and moved no other metric: a fault in Sluice; the log names the "
        "first of each kind.",
        "gateway, worker",
        (Label("fact", (*FACT_NAMES, UNKNOWN)),),
    ),
    Metric("sluice_jobs_in_flight", "gauge", "Jobs whose task runs in this worker now.", "worker"),
    Metric("sluice_subscribers", "gauge", "Open responses of this gateway that follow a job now.", "gateway"),
    Metric("sluice_queue_depth", "gauge", "Jobs of the whole fleet that wait in the queue; NaN: not read.", "gateway"),
    Metric(
        "sluice_queue_oldest_seconds",
        "gauge",
        "Age in seconds of the oldest job in the fleet's queue, 0 when it is empty; NaN: not read.",
        "gateway",
    ),
    Metric("sluice_leases", "gauge", "Jobs of the whole fleet that are leased to a worker; NaN: not read.", "gateway"),
    Metric("sluice_workers", "gauge", "Live workers of the whole fleet; NaN: not read.", "gateway"),
    Metric(
        "sluice_build_info",
        "info",
        "Always 1; its label is the installed version.",
        "gateway, worker",
        (Label("version", (), "the installed version"),),
    ),
)
