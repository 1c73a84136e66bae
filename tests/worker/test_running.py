"""worker/running.py: a job is fenced off before its lease can run out, and closed when it is no longer ours."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError

from streamlog.claims import Claim, Claims
from streamlog.lifecycle import State
from streamlog.log import Ended
from tests.streamlog.world import EVENT, GRACE_S, World
from tests.support.facts import true, until
from tests.support.series import Moved
from worker.running import Run, Running

LEASE_S = 0.5
NOBODY: Any = None


def claim(job_id: str = "job_x") -> Claim:
    return Claim(job_id, 1, 0.0, 0.0, None, None, "", [])


def running_task(run: Run) -> Run:
    """The run with a task that goes on until it is closed."""
    run.task = asyncio.create_task(asyncio.Event().wait(), name=run.claim.job_id)  # type: ignore[arg-type]  # ends never
    return run


async def closed(run: Run) -> None:
    """Wait until the run's task has been cancelled."""
    assert run.task is not None
    await asyncio.wait((run.task,), timeout=2)
    assert run.task.cancelled()


@asynccontextmanager
async def meanwhile(*parts: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """These parts of a worker run while the block does; none of them may end by itself."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield
        assert not any(task.done() for task in tasks), "a part that runs for ever has ended"
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Refusing(Claims):
    """Claims that cannot be renewed for a while: each call raises the next error, later ones answer."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.renewed: list[tuple[Sequence[tuple[str, int]], Sequence[str]]] = []

    async def renew(
        self, claims: Sequence[tuple[str, int]], unseen: Sequence[str] = ()
    ) -> tuple[set[str], list[Ended]]:
        if self._errors:
            raise self._errors.pop(0)
        self.renewed.append((claims, unseen))
        return set(), []


def test_a_run_is_sure_for_four_fifths_of_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted by the monotonic clock from when its last renewal was asked for."""
    running, run = Running(NOBODY, 5.0), Run(claim(), since=100.0)
    for now, sure in ((100.0, True), (103.99, True), (104.0, False), (200.0, False)):
        monkeypatch.setattr("worker.running.monotonic", lambda now=now: now)
        assert running.sure(run) is sure


async def test_a_run_has_begun_while_its_first_content_is_on_its_way(world: World) -> None:
    """Not only once Redis has answered: by then it may be too late to give it back unseen."""
    held, writer = await world.running()
    run = Run(held, monotonic())
    assert not run.begun
    run.writer = writer
    assert not run.begun
    writing = asyncio.ensure_future(writer.write([EVENT]))
    await asyncio.sleep(0)
    assert not writing.done()
    assert run.begun
    await writing


async def test_the_guard_closes_what_could_not_be_renewed() -> None:
    """Whatever Redis does, within a tenth of the lease; a run that is sure goes on."""
    running = Running(NOBODY, LEASE_S)
    unsure = running_task(Run(claim("old"), monotonic() - LEASE_S))
    sure = running_task(Run(claim("new"), monotonic() + 60))
    running.runs = {"old": unsure, "new": sure}
    began = monotonic()
    async with meanwhile(running.guard_for_ever()):
        await closed(unsure)
        assert monotonic() - began < LEASE_S / 2
        assert sure.task is not None and not sure.task.done()
    sure.close()


async def test_a_renewal_that_was_answered_late_is_repeated_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the time of one outage would count against the lease in the next."""
    now = 100.0
    monkeypatch.setattr("worker.running.monotonic", lambda: now)

    class Answering(Refusing):
        after_s = 0.1

        async def renew(
            self, claims: Sequence[tuple[str, int]], unseen: Sequence[str] = ()
        ) -> tuple[set[str], list[Ended]]:
            nonlocal now
            now += self.after_s
            return await super().renew(claims, unseen)

    claims = Answering()
    running = Running(claims, 5.0)
    running.runs = {"job_x": Run(claim(), since=0.0)}
    await running._renew()
    assert not running._renewal_due.is_set()
    claims.after_s = 2.5
    await running._renew()
    assert running._renewal_due.is_set()


async def test_a_renewal_counts_from_when_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow answer must not make a lease look longer than Redis gave it."""
    now = 100.0
    monkeypatch.setattr("worker.running.monotonic", lambda: now)

    class Slow(Refusing):
        async def renew(
            self, claims: Sequence[tuple[str, int]], unseen: Sequence[str] = ()
        ) -> tuple[set[str], list[Ended]]:
            nonlocal now
            now += 3.0
            return await super().renew(claims, unseen)

    running, run = Running(Slow(), 0.03), Run(claim(), since=0.0)
    running.runs = {"job_x": run}
    await running._renew()
    assert (run.since, now) == (100.0, 103.0)


async def test_renewal_keeps_what_is_ours_and_closes_what_is_not(world: World) -> None:
    """A job that was cancelled meanwhile is closed, its neighbour's lease goes on."""
    first, _ = await world.running()
    second, _ = await world.running()
    running = Running(Claims(world.line, "worker", LEASE_S), LEASE_S)
    lost, kept = (running_task(Run(one, monotonic() - 60)) for one in (first, second))
    running.runs = {first.job_id: lost, second.job_id: kept}
    await world.log.end(first.job_id, None, State.CANCELLED, "cancelled")
    async with meanwhile(running.renew_for_ever()):
        await closed(lost)
        assert not running.sure(lost)
        assert running.sure(kept)
        assert kept.task is not None and not kept.task.done()
    kept.close()


async def test_renewal_extends_the_leases_in_redis(world: World) -> None:
    """By a whole lease from now."""
    held, _ = await world.running()
    running = Running(Claims(world.line, "worker", 30.0), 0.15)
    running.runs = {held.job_id: Run(held, monotonic())}
    async with meanwhile(running.renew_for_ever()):

        async def extended() -> bool:
            score = float(await world.call("ZSCORE", world.keys.leases, held.job_id))
            return score > await world.now_ms() + 25_000

        await true(extended)


async def test_a_job_that_nobody_listens_to_is_ended_by_its_renewal(world: World, moved: Moved) -> None:
    """After its grace time it is cancelled, counted once, and its upstream call closed."""
    held, _ = await world.running(gateway="gw_1")
    running = Running(Claims(world.line, "worker", LEASE_S), LEASE_S)
    run = running_task(Run(held, monotonic()))
    running.runs = {held.job_id: run}
    await world.call("HDEL", world.keys.watch(held.job_id), "gw_1")
    await world.pass_time(held.job_id, GRACE_S)
    async with meanwhile(running.renew_for_ever()):
        await closed(run)
    record = await world.record(held.job_id)
    assert (record.state, record.code) == (State.CANCELLED, "abandoned")
    assert moved.by("sluice_jobs_total", "ending=cancelled") == 1


@pytest.mark.parametrize(
    "error",
    [RedisConnectionError("gone"), OSError("refused"), TimeoutError(), BusyLoadingError(), ValueError("garbled")],
)
async def test_renewal_survives_redis_errors(error: Exception) -> None:
    """It asks again, and again."""
    claims = Refusing(error, error)
    running = Running(claims, 0.03)
    running.runs = {"job_x": Run(claim(), monotonic())}
    async with meanwhile(running.renew_for_ever()):
        await until(lambda: len(claims.renewed) > 1)
    assert claims.renewed[0] in (([("job_x", 1)], []), ([], ["job_x"]))


async def test_while_nothing_runs_nothing_is_asked() -> None:
    """An idle worker costs Redis no renewals."""
    claims = Refusing()
    running = Running(claims, 0.03)
    async with meanwhile(running.renew_for_ever()):
        running.runs = {"job_x": Run(claim(), monotonic())}
        await until(lambda: ([("job_x", 1)], []) in claims.renewed)
    assert ([], []) not in claims.renewed


async def test_each_renewal_extends_all_and_looks_at_a_part() -> None:
    """In three turns every run has been looked at; one that is being closed is looked at, and else let go."""
    claims = Refusing()
    running = Running(claims, 5.0)
    ids = {f"job_{number}" for number in range(60)}
    running.runs = {job_id: Run(claim(job_id), monotonic()) for job_id in ids}
    running.runs["job_7"].closed = True
    for part in range(3):
        await running._renew(part)
    looked_at = [{job_id for job_id, _ in pairs} for pairs, _ in claims.renewed]
    assert sorted(job_id for seen in looked_at for job_id in seen) == sorted(ids)
    for seen, (_, unseen) in zip(looked_at, claims.renewed, strict=True):
        assert seen | set(unseen) | {"job_7"} == ids
        assert not seen & set(unseen)


async def test_a_nudge_has_all_looked_at() -> None:
    """One of them was cancelled, and the nudge does not say which."""
    claims = Refusing()
    running = Running(claims, 60.0)
    running.runs = {job_id: Run(claim(job_id), monotonic()) for job_id in ("job_a", "job_b", "job_c", "job_d")}
    async with meanwhile(running.renew_for_ever()):
        running.renew_soon()
        await until(lambda: claims.renewed)
    assert len(claims.renewed[0][0]) == 4


async def test_what_ends_as_it_is_asked_for_is_counted_too(world: World, moved: Moved) -> None:
    """A claim that nobody has listened to for its grace time, found out before it is begun, is cancelled like a run."""
    held, _ = await world.running(gateway="gw_1")
    running = Running(Claims(world.line, "worker", LEASE_S), LEASE_S)
    await world.call("HDEL", world.keys.watch(held.job_id), "gw_1")
    await world.pass_time(held.job_id, GRACE_S)
    kept, _ = await running.kept([held], since=monotonic() - 60)
    assert kept == []
    assert moved.by("sluice_jobs_total", "ending=cancelled") == 1


async def test_a_claim_that_is_fresh_is_not_asked_for() -> None:
    """That would be a round trip of a first token."""
    claims = Refusing()
    since = monotonic()
    assert await Running(claims, 5.0).kept([claim()], since) == ([claim()], since)
    assert claims.renewed == []
