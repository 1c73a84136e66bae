"""What a job is asked to do, and what its record says.

Invariant: the request line, headers and body are kept as the client sent them; the record is read as bytes and
given types here, and nowhere else.
Does not know: HTTP, Redis.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamlog.keys import Lane
from streamlog.lifecycle import State
from streamlog.positions import Position


def new_job_id() -> str:
    """`job_` and 22 URL-safe characters of 128 random bits; the queue id, the log id and the URL id."""
    return "job_" + secrets.token_urlsafe(16)


@dataclass(frozen=True, slots=True)
class Request:
    """A call to make upstream. `path` has its query; `headers` are those that travel on; `body` is the client's."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    model: str
    stream: bool


@dataclass(frozen=True, slots=True)
class Sameness:
    """By what a call is known again. Both are digests, and each stands for one owner's calls only.

    `fingerprint` is the same for the same call. `idempotency` is the client's own word for it, "" without one;
    `retried` says that the client calls again for want of an answer.
    """

    fingerprint: str
    idempotency: str = ""
    retried: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """What one owner may ask for; 0 is without limit. Budgets fill evenly and hold what a minute brings.

    `tokens_a_minute` counts input, cache writes and output, as Anthropic's own limits do: cache reads are free.
    """

    requests_a_minute: int = 0
    tokens_a_minute: int = 0
    streams_at_once: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """How a job is to be treated. Times in seconds.

    `gateway` names who listens from the start and makes the job attached: cancelled when nobody has watched it
    for `grace_s`. Detached jobs have `gateway` None.
    """

    owner: str
    request_id: str
    gateway: str | None
    hold_s: float
    grace_s: float
    watch_s: float
    queue_wait_s: float
    run_limit_s: float
    keep_s: float
    sameness: Sameness
    lane: Lane = Lane.WORK
    quota: Quota = Quota()


RECORD_FIELDS = (
    "state", "attached", "stream", "method", "path", "headers", "model", "owner", "request_id", "attempt", "last",
    "created_us", "claimed_us", "content_us", "ended_us", "code", "response", "usage", "refusal",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """A job's record. Redis times in microseconds, 0 while unknown.

    `response` is the upstream's `{"status", "headers"}`; `usage` as Claude reports it; `refusal` the body of an
    upstream refusal, byte for byte; `code` the code of `errors.CODES` that it ended with, or "".
    """

    state: State
    attached: bool
    stream: bool
    method: str
    path: str
    headers: dict[str, str]
    model: str
    owner: str
    request_id: str
    last: Position
    created_us: int
    claimed_us: int
    content_us: int
    ended_us: int
    code: str
    response: dict[str, Any]
    usage: dict[str, Any]
    refusal: bytes | None

    @classmethod
    def read(cls, values: list[bytes | None]) -> "Record | None":
        """From the values of `RECORD_FIELDS`, in that order; None if there is no record. Raises `ValueError`."""
        if values[0] is None:
            return None
        of = dict(zip(RECORD_FIELDS, values, strict=True))
        text = {name: (value or b"").decode() for name, value in of.items() if name != "refusal"}
        return cls(
            state=State(text["state"]),
            attached=text["attached"] == "1",
            stream=text["stream"] == "1",
            method=text["method"],
            path=text["path"],
            headers=json.loads(text["headers"] or "{}"),
            model=text["model"],
            owner=text["owner"],
            request_id=text["request_id"],
            last=Position.parse(text["last"]),
            created_us=int(text["created_us"] or 0),
            claimed_us=int(text["claimed_us"] or 0),
            content_us=int(text["content_us"] or 0),
            ended_us=int(text["ended_us"] or 0),
            code=text["code"],
            response=json.loads(text["response"] or "{}"),
            usage=json.loads(text["usage"] or "{}"),
            refusal=of["refusal"],
        )
