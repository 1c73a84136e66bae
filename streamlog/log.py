"""The stream log as a gateway sees it: submit a job, read its record and its frames, cancel it.

Invariant: every change is one script, so a job is never half submitted or half ended. All calls are safe to send
again and travel on the process's `Line`.
Does not know: HTTP, how a job is run (`claims` and `writer`), how its frames arrive live (`hub`, `follow`).
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

import msgspec
from redis.exceptions import ResponseError

from streamlog.bodies import fetch, store
from streamlog.errors import ClientError, InternalError
from streamlog.frames import Chunk, read_chunk
from streamlog.garbled import is_wrong_type, lost_if_garbled
from streamlog.jobs import RECORD_FIELDS, Quota, Record, Request, Terms, new_job_id
from streamlog.keys import Keys, Lane
from streamlog.lifecycle import ENDINGS
from streamlog.line import Line
from streamlog.scripts import Argument
from streamlog.settings import JobSettings

PAGE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a submit led: to a new job, or (`joined`) to one that exists. `created_us` is its Redis time in µs."""

    job_id: str
    created_us: int
    joined: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a log: `chunks` in order; `more` if others follow; `exists` is False when the job is not known, and
    `ended` is True when the record says so."""

    exists: bool
    chunks: list[Chunk]
    more: bool
    ended: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """A job that a script has just ended, for whoever announces it."""

    job_id: str
    state: str
    code: str
    model: str
    duration_s: float

    @classmethod
    def read(cls, row: list[bytes]) -> "Ended":
        """Never fails: it is read beside other jobs, and may tell of one that was spoiled."""
        job_id, state, code, model, duration_us = (value.decode(errors="replace") for value in row)
        return cls(job_id, state, code, model, int(duration_us) / 1e6 if duration_us.isdecimal() else 0.0)


@dataclass(frozen=True, slots=True)
class Fleet:
    """What all processes share, at one moment."""

    queued: int
    oldest_s: float
    leases: int
    workers: int


class StreamLog:
    """Raises redis-py's errors when Redis cannot be reached in time (`redis_link.LINK_ERRORS`)."""

    def __init__(self, line: Line, keys: Keys, settings: JobSettings) -> None:
        self._line = line
        self._keys = keys
        self._settings = settings

    async def submit(self, request: Request, terms: Terms) -> Placed:
        """Put a job into the queue, or join the one that this call is a repetition of (`Terms.sameness`).

        Raises `InternalError` `queue_full`, naming the figure and the limit, and `ClientError`
        `idempotency_conflict`, or one of the owner's limits with the time after which it is worth asking again. Calls
        of the light lane count as requests alone. Whoever joins uses nothing up.
        """
        job_id, same, quota = terms.job_id or new_job_id(), terms.sameness, terms.quota
        at_work = terms.lane is Lane.WORK
        life_ms = _ms(terms.queue_wait_s + 3 * terms.run_limit_s + terms.keep_s)
        # The body goes apart: a script with a 32 MB argument would block Redis for 70 ms.
        stored = await store(self._line, self._keys.body(job_id), request.body, life_ms)
        arq_job: dict[str, object] = {"t": None, "f": "generate", "a": [job_id], "k": {}, "et": 0}
        submit = (
            job_id, len(request.body), self._settings.queue_jobs, self._settings.queue_bytes, life_ms,
            _ms(terms.queue_wait_s), _ms(terms.hold_s), msgspec.json.encode(arq_job),
            terms.gateway or "", _ms(terms.watch_s),
            terms.lane, same.fingerprint, same.idempotency, int(same.retried), terms.owner,
            quota.requests_a_minute, quota.tokens_a_minute * at_work, quota.streams_at_once * at_work,
            *_fields(request, terms),
        )  # fmt: skip
        word, told, *placed = await self._submitted(*submit)
        await stored
        with lost_if_garbled():
            figure = int(told)
        self._refuse(word.decode(), figure, quota)
        return Placed(placed[0].decode(), figure, word == b"joined")

    def _submitted(self, *submit: Argument) -> Awaitable[list[bytes]]:
        """Asked at once, in the same write as the body; asked again if an owner's own keys had to be mended."""
        answer: asyncio.Future[list[bytes]] = self._line.script("submit", *submit)

        async def mended() -> list[bytes]:
            try:
                told = await answer
                if (told[1] or b"").isdigit():  # else a budget is of no number, and the next call will find it mended
                    return told
            except ResponseError as error:
                if not is_wrong_type(error):
                    raise
            _, fingerprint, idempotency, _, owner = submit[10:15]
            await self._line.script("mend", owner, fingerprint, idempotency)
            again: list[bytes] = await self._line.script("submit", *submit)
            return again

        return mended()

    def _refuse(self, word: str, figure: int, quota: Quota) -> None:
        if word.endswith("_limited"):
            raise _over_limit(word, figure, quota)
        if word == "queue_full_jobs":
            limit = self._settings.queue_jobs
            raise InternalError("queue_full", f"The queue holds {figure} jobs, its limit is {limit}.", retry_after_s=2)
        if word == "queue_full_bytes":
            limit = self._settings.queue_bytes
            raise InternalError("queue_full", f"The queue holds {figure} bytes, its limit is {limit}.", retry_after_s=2)
        if word == "idempotency_conflict":
            raise ClientError(word)
        if word not in ("queued", "joined"):
            raise InternalError("request_lost")

    async def record(self, job_id: str) -> Record | None:
        """The job's record; None if there is none (any more). Raises `InternalError` `stream_lost` for one not ours."""
        with lost_if_garbled():
            return Record.read(await self._line.command("HMGET", self._keys.record(job_id), *RECORD_FIELDS))

    async def body(self, job_id: str) -> bytes | None:
        """The request body; None when the job has ended or is not known."""
        return await fetch(self._line, self._keys.body(job_id))

    async def read(self, job_id: str, start: str = "-") -> Page:
        """About `PAGE_BYTES` of the log from the position `start` on, inclusive; `-` is its beginning.

        Raises `InternalError` `stream_lost` for a log that is not ours.
        """
        with lost_if_garbled():
            state, entries, more = await self._line.script("read", job_id, start, PAGE_BYTES)
            chunks = [read_chunk(text) for _, (_, text) in entries]
            return Page(state is not None, chunks, bool(more), state is not None and state.decode() in ENDINGS)

    async def end(self, job_id: str, attempt: int | None, state: str, code: str) -> Ended | None:
        """End a job by name. `attempt` None cancels whatever runs; else only if no later attempt has it.

        None when there was nothing to end: it had ended, is unknown, or belongs to another by now.
        """
        answer = await self._line.script("end", job_id, "" if attempt is None else attempt, state, code)
        return Ended.read(answer[1:]) if answer[0] == b"ended" else None

    async def queue_position(self, job_id: str) -> int | None:
        """How many jobs stand before this one; None if it does not wait, or waits in the light lane."""
        rank: int | None = await self._line.command("ZRANK", self._keys.queue, job_id)
        return rank

    async def fleet(self) -> Fleet:
        """Both lanes of the queue together, leases and live workers."""
        keys, call = self._keys, self._line.command
        queues = [keys.queue + lane for lane in Lane]
        time, leases, *waiting = await asyncio.gather(
            call("TIME"),
            call("ZCARD", keys.leases),
            *(call("ZCARD", queue) for queue in queues),
            *(call("ZRANGE", queue, 0, 0, "WITHSCORES") for queue in queues),
        )
        now_s = int(time[0]) + int(time[1]) / 1e6
        queued, oldest = sum(waiting[: len(queues)]), [float(head[1]) / 1e6 for head in waiting[len(queues) :] if head]
        workers = await call("ZCOUNT", keys.workers, int((now_s - 5) * 1000), "+inf")
        return Fleet(queued, now_s - min(oldest, default=now_s), leases, workers)


def _over_limit(word: str, figure: int, quota: Quota) -> ClientError:
    """`figure` is the wait in milliseconds, or how many jobs there are: when one ends, nobody knows."""
    if word == "streams_limited":
        message = f"{figure} jobs of this client wait or run, and it may have {quota.streams_at_once} at once."
        return ClientError(word, message, retry_after_s=1)
    what = word.removesuffix("_limited")
    most = quota.requests_a_minute if what == "requests" else quota.tokens_a_minute
    return ClientError(word, f"This client may use {most} {what} a minute.", retry_after_s=-(-figure // 1000))


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _fields(request: Request, terms: Terms) -> tuple[Argument, ...]:
    return (
        "attached", int(terms.gateway is not None), "stream", int(request.stream), "method", request.method,
        "path", request.path, "headers", msgspec.json.encode(dict(request.headers)), "model", request.model,
        "request_id", terms.request_id,
        "grace_ms", _ms(terms.grace_s), "retention_ms", _ms(terms.keep_s),
    )  # fmt: skip
