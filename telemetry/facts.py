"""What the other rooms announce: plain facts, said at the moment they become true.

Invariant: a fact carries what happened, never what it is counted as; `rules.py` alone decides that. The closed sets
of words stand here; a word that travelled through Redis is typed `str`, and checked when it is counted.
All durations are seconds as float; `model` is the caller's own word, unchecked.
Does not know: metrics, labels, logs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Ending = Literal["done", "failed", "cancelled"]
ReplayReason = Literal["resume", "gap", "overflow", "resubscribe", "silence"]
RefusalReason = Literal[
    "body_too_large",
    "invalid",
    "unauthorized",
    "requests_limited",
    "tokens_limited",
    "streams_limited",
    "queue_full",
    "draining",
    "not_found",
    "redis_down",
    "no_workers",
    "other",
]
Sameness = Literal["idempotency", "retry"]
Reread = Literal["taken_over", "refused"]
Provenance = Literal["reported", "partly_reported", "estimated"]


@dataclass(frozen=True, slots=True)
class FirstContentSent:
    """Gateway, once a job: its first content was written to its first subscriber.

    `total_s` runs from accepting the request to that write; `relay_s` is the part of it that is neither queue
    wait nor worker nor upstream. Followers that joined or resumed announce nothing.
    """

    model: str
    total_s: float
    relay_s: float


@dataclass(frozen=True, slots=True)
class SubscriberJoined:
    """Gateway: a response that follows a job was opened. Exactly one `SubscriberLeft` comes later."""


@dataclass(frozen=True, slots=True)
class SubscriberLeft:
    """Gateway: a response that followed a job was closed, by whichever side."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """Gateway: a subscriber began to read the log (again) instead of waiting for live chunks, and why.

    `reason` is a `ReplayReason`; with any other word the fact cannot be counted.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Gateway: a request was answered with an error of the gateway's own.

    `reason` is a `RefusalReason`; any other word counts as `other`.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class ClientsRead:
    """Gateway: the clients file had changed, and was read again; `outcome` is a `Reread`."""

    outcome: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Gateway: a call repeated one that exists, and was led to its job instead of being queued; by what it was known.

    `known_by` is a `Sameness`.
    """

    known_by: Sameness


@dataclass(frozen=True, slots=True)
class JobEnded:
    """Gateway or worker, once a job: announced by the process whose script ended it.

    `ending` is an `Ending`; with any other word the fact cannot be counted. `duration_s` runs from accepting the
    request to the ending.
    """

    model: str
    ending: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class JobClaimed:
    """Worker, once a claim: a job left the queue.

    `queue_wait_s` runs from its submit to this claim; for a job claimed again it therefore holds the lost attempt.
    """

    model: str
    queue_wait_s: float


@dataclass(frozen=True, slots=True)
class JobStarted:
    """Worker: a claimed job's task began. Exactly one `JobStopped` comes later."""


@dataclass(frozen=True, slots=True)
class JobStopped:
    """Worker: a job's task is over, however it went."""


@dataclass(frozen=True, slots=True)
class UpstreamAnswered:
    """Worker, once an upstream call: its HTTP status, or `error` when no status came at all."""

    status: int | Literal["error"]


@dataclass(frozen=True, slots=True)
class UpstreamFirstContent:
    """Worker, once a streaming upstream call: `seconds` from sending the call to reading its first content."""

    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ContentGaps:
    """Worker, for the content chunks of one stream since it told last, but for the first: `seconds` between each and
    the one before."""

    model: str
    seconds: Sequence[float]


@dataclass(frozen=True, slots=True)
class StreamsRested:
    """Worker: `count` streams are read again that had to wait for their turn."""

    count: int


@dataclass(frozen=True, slots=True)
class UsageSettled:
    """Worker or gateway, once an upstream call: its usage record was settled. All counts are tokens.

    `provenance`: the upstream reported all counts, some of them, or none (then they are estimated).
    """

    model: str
    input: int
    output: int
    cache_read: int
    cache_creation: int
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class LeasesLost:
    """Worker: its sweep found `count` leases that had run out."""

    count: int


Fact = (
    FirstContentSent
    | SubscriberJoined
    | SubscriberLeft
    | Replayed
    | Refused
    | Joined
    | ClientsRead
    | JobEnded
    | JobClaimed
    | JobStarted
    | JobStopped
    | UpstreamAnswered
    | UpstreamFirstContent
    | ContentGaps
    | StreamsRested
    | UsageSettled
    | LeasesLost
)
