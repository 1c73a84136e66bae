"""What a job is asked to do, and what its record says.

Invariant: the request line, headers and body are kept as the client sent them; the record is read as bytes and
given types here, and nowhere else: what does not have them is nobody's record.
Does not know: HTTP, Redis.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, TypeVar

import msgspec

from streamlog.keys import Lane
from streamlog.lifecycle import State
from streamlog.positions import Position

_Kind = TypeVar("_Kind")


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

    @classmethod
    def read(cls, values: Sequence[bytes | None], body: bytes) -> "Request":
        """From the values of a record's `CALL_FIELDS`, in that order. Raises `ValueError`."""
        method, path, headers, model, stream = [(value or b"").decode() for value in values]
        travelling: dict[str, str] = _read(_headers, headers or "{}")
        return cls(method, path, travelling, body, model, stream == "1")


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
    for `grace_s`. Detached jobs have `gateway` None. `job_id` "" leaves it to who submits.
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
    job_id: str = ""


CALL_FIELDS = ("method", "path", "headers", "model", "stream")
RECORD_FIELDS = (
    "state", "attached", "stream", "method", "path", "headers", "model", "owner", "request_id", "attempt", "last",
    "created_us", "claimed_us", "content_us", "ended_us", "code", "response", "usage", "refusal",
)  # fmt: skip


# What travels, and nothing else: no header of a call's own, and no line that a value could add to a head.
_Value = Annotated[str, msgspec.Meta(pattern=r"^[\t\x20-\x7e\x80-\xff]*\Z")]
_OURS = r"anthropic-[!#$%&'*+.^_`|~0-9a-z-]*"
_NameThere = Annotated[str, msgspec.Meta(pattern=rf"^{_OURS}\Z")]
_NameBack = Annotated[str, msgspec.Meta(pattern=rf"^(request-id|retry-after|x-should-retry|content-type|{_OURS})\Z")]


class UpstreamHead(TypedDict, total=False):
    """Status and travelling headers of an upstream's answer; empty while there is none."""

    status: Annotated[int, msgspec.Meta(ge=200, le=599)]
    headers: dict[_NameBack, _Value]


_head = msgspec.json.Decoder(UpstreamHead)
_headers = msgspec.json.Decoder(dict[_NameThere, _Value])
_usage = msgspec.json.Decoder(dict[str, Any])
_FIGURE = re.compile(r"[0-9]{0,16}")


def read_head(data: bytes | str) -> UpstreamHead:
    """The head that was stored with an answer. Raises `ValueError`."""
    return _read(_head, data or "{}")


def _read(decoder: msgspec.json.Decoder[_Kind], data: bytes | str) -> _Kind:
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _figure(text: str) -> int:
    if not _FIGURE.fullmatch(text):
        raise ValueError("a figure of more than 16 digits, or none")
    return int(text or 0)


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
    response: UpstreamHead
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
            headers=_read(_headers, text["headers"] or "{}"),
            model=text["model"],
            owner=text["owner"],
            request_id=text["request_id"],
            last=Position.parse(text["last"]),
            created_us=_figure(text["created_us"]),
            claimed_us=_figure(text["claimed_us"]),
            content_us=_figure(text["content_us"]),
            ended_us=_figure(text["ended_us"]),
            code=text["code"],
            response=read_head(text["response"]),
            usage=_read(_usage, text["usage"] or "{}"),
            refusal=of["refusal"],
        )
