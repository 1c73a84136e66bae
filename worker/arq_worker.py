"""The only file that touches arq: its `Worker`, with our claim, our doorbell and our release.

arq keeps what it is good at: looking up and running the job's function in a task, with a timeout. Three methods are
overridden (arq is pinned for that). `_poll_iteration`: arq's own polls every 0.5 s and re-reads everything in flight.
`finish_job` and `finish_failed_job`: arq's own delete the job of a successor.
Invariant: a job that arq has let go of, however that came, loses its run here and its lease in Redis, and then only
the sweep decides about it. No Redis error ends the worker, and none leaks a slot.
Does not know: Claude, frames.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from time import monotonic
from typing import Any, Literal

import msgspec
from arq.connections import ArqRedis
from arq.worker import Worker, func
from redis.asyncio import ConnectionPool

from streamlog.bell import Bell
from streamlog.claims import MOST_AT_ONCE, Claim, Claims
from streamlog.redis_link import LINK_ERRORS
from telemetry import announce, facts
from worker.running import Run, Running

_RETRY_S = 0.2
_log = logging.getLogger("sluice.worker")
# arq hands no attempt to finish_job: the job's task carries its run.
_current: ContextVar[Run] = ContextVar("run")


class ClaimPool(ArqRedis):
    """arq's pool, but that what `run_job` asks first has been answered by the claim.

    A redis-py transaction costs 0.8 ms of the first token, for figures that decide nothing here.
    """

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:
        return _Answered() if transaction else super().pipeline(transaction, shard_hint)


class _Answered:
    """`run_job`'s opening questions: the job's data, how often it was tried (we count claims), and an expiry."""

    async def __aenter__(self) -> "_Answered":
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    def get(self, key: str) -> None:
        return

    incr = get

    def expire(self, key: str, seconds: int) -> None:
        return

    async def execute(self) -> tuple[bytes | None, int, bool]:
        run = _current.get()
        return (run.claim.arq_job if run.task is not None else None), 1, True  # to arq None is a job that has expired


class _ArqJob(msgspec.Struct):
    """What a gateway leaves for arq, with the names that arq gave them."""

    t: None
    f: Literal["generate"]
    a: list[str]
    k: dict[str, None]
    et: Literal[0]


_arq_job = msgspec.json.Decoder(_ArqJob)


def _is_ours(claim: Claim) -> bool:
    """arq trusts what it finds under its key, and calls what stands there with what stands there."""
    try:
        job = _arq_job.decode(claim.arq_job or b"")
    except (msgspec.MsgspecError, RecursionError):
        return False
    return job.a == [claim.job_id] and not job.k


class QueueWorker(Worker):
    """Claims jobs of the bell's lane while there are free slots, and runs `job(run)` for each.

    `stopped` is set when, after `stop`, no claim is under way any more. `bell_s` is the longest wait for the bell.
    `run_limit_s` is a second net: `job` keeps the limit itself.
    """

    def __init__(
        self,
        job: Callable[[Run], Coroutine[Any, Any, None]],
        claims: Claims,
        running: Running,
        bell: Bell,
        pool: ConnectionPool,
        queue_key: str,
        slots: int,
        bell_s: float,
        run_limit_s: float,
    ) -> None:
        self._job = job
        self._claims = claims
        self._running = running
        self._bell = bell
        self._bell_s = bell_s
        self._slot_freed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._more = True  # whether the queue may hold jobs that no ring is due for
        self.stopped = asyncio.Event()
        super().__init__(
            functions=[
                func(self._run_claim, name="generate", timeout=run_limit_s + 30, keep_result=0, max_tries=10**6)
            ],
            queue_name=queue_key,
            redis_pool=ClaimPool(pool),
            max_jobs=slots,
            poll_delay=0,
            keep_result=0,
            retry_jobs=False,
            allow_abort_jobs=False,
            handle_signals=False,
            job_deserializer=json.loads,
            log_results=False,
        )

    async def run_until_stopped(self) -> None:
        """arq's own loop, begun again after whatever ends it, until `stop`."""
        while not self._stopping.is_set():
            try:
                await self.async_run()
            except LINK_ERRORS as error:
                _log.warning("worker loop begun again: %s", type(error).__name__)
            except Exception:
                _log.exception("worker loop begun again")
            await asyncio.sleep(_RETRY_S)
        self.stopped.set()

    def stop(self) -> None:
        """Claim nothing more; what a claim brings that is under way is given back."""
        self._stopping.set()
        self._slot_freed.set()
        self._claims.rouse()

    async def _poll_iteration(self) -> None:
        """One turn of arq's loop: fill the free slots, or wait for something to do."""
        try:
            free = self.max_jobs - len(self.tasks)
            if self._stopping.is_set():
                self.stopped.set()
            if self._stopping.is_set() or free <= 0:
                self._slot_freed.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._slot_freed.wait(), 1.0)
                return
            most = min(free, MOST_AT_ONCE) if self._more else 1
            claims, since = await (self._claimed(most) if self._more else self._rung())
            if self._stopping.is_set():
                await self._give_back(claims)
                return
            for claim in claims:
                await self._begin(claim, since)
            self._more = len(claims) == most
        except LINK_ERRORS as error:
            if self._stopping.is_set():
                return
            _log.warning("queue not reached: %s", type(error).__name__)
            self._more = True
            await asyncio.sleep(_RETRY_S)

    async def _claimed(self, most: int) -> tuple[list[Claim], float]:
        """What the queue has now, and since when at the latest it is ours."""
        asked = monotonic()
        return await self._claims.claim(most, self._bell.lane), asked

    async def _rung(self) -> tuple[list[Claim], float]:
        """Wait for the bell, and for the oldest job, which comes with its ring.

        One job: if this process is stopped or cut off at the bell, what was claimed in its name waits until the lease
        has run out. Afterwards it must not call Claude for what is another's by now.
        """
        nudged, rows = await self._bell.wait(self._bell_s, self._claims.claiming(1, self._bell.lane))
        if nudged:
            self._running.renew_soon()
        known = monotonic() - self._claims.silent_s  # claimed before that, it would have been heard of by then
        return await self._running.kept(self._claims.claimed(rows), known)

    async def _give_back(self, claims: list[Claim]) -> None:
        """What a claim brings that was under way when all stopped."""
        for claim in claims:
            await self._claims.release(claim.job_id, claim.attempt, give_back=True)

    async def _begin(self, claim: Claim, since: float) -> None:
        old = self.tasks.get(claim.job_id)
        if old is not None:  # our own earlier attempt, whose lease we lost without noticing yet
            self._running.runs[claim.job_id].close()
            await asyncio.wait((old,))
        run = Run(claim, since)
        self._running.runs[claim.job_id] = run
        if _is_ours(claim):
            run.task = self.loop.create_task(self._job(run))
        # Behind the first step of that, in which the call leaves: arq's own preparations are 0.2 ms of a first token.
        self.loop.call_soon(self._hand_to_arq, run)
        announce(facts.JobClaimed(claim.model, claim.queue_wait_s))
        announce(facts.JobStarted())

    def _hand_to_arq(self, run: Run) -> None:
        """In the turn in which it was begun, so before this loop claims anything again, or stops."""
        token = _current.set(run)
        self.tasks[run.claim.job_id] = task = self.loop.create_task(self.run_job(run.claim.job_id, 0))
        _current.reset(token)
        task.add_done_callback(lambda done: self._over(run, done))

    def _over(self, run: Run, done: "asyncio.Task[None]") -> None:
        """The slot is free, whatever happened."""
        self.tasks.pop(run.claim.job_id, None)
        self._running.runs.pop(run.claim.job_id, None)
        run.forget()  # and ends its task, if arq has not come to await it
        self._slot_freed.set()
        announce(facts.JobStopped())
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.warning("job %s left to the sweep: %s", run.claim.job_id, type(error).__name__)

    async def _run_claim(self, ctx: dict[str, Any], job_id: str) -> None:
        """What arq runs. The record is the truth: of arq's own data only the id is used, and it must agree."""
        run = _current.get()
        if job_id != run.claim.job_id:
            _log.warning("arq's data for job %s names another job", run.claim.job_id)
            return
        assert run.task is not None
        try:
            await run.task
        except asyncio.CancelledError:
            if not run.closed:  # arq's own timeout, or the end of the loop
                raise

    async def finish_job(self, job_id: str, *_: Any, **__: Any) -> None:
        """Instead of arq's: never touches the queue, which may already hold our successor."""
        await self._release()

    async def finish_failed_job(self, job_id: str, result_data: bytes | None) -> None:
        """Instead of arq's, which ends jobs that no hook hears of: expired, undecodable, unknown function."""
        await self._release()

    async def _release(self) -> None:
        run = _current.get()
        if run.writer is not None and run.writer.concluded:
            return  # its ending has taken it out of everything
        with contextlib.suppress(*LINK_ERRORS):  # then the lease runs out by itself
            await self._claims.release(run.claim.job_id, run.claim.attempt, give_back=run.give_back)
