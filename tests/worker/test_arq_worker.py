"""worker/arq_worker.py: claims up to its slots, at once, and loses neither a slot nor a job, whatever happens."""

import json
from statistics import median
from time import monotonic

import pytest

from streamlog.claims import Claims
from streamlog.lifecycle import State
from tests.streamlog.world import EVENT, LEASE_S, World
from tests.support.facts import true, until
from tests.support.series import Moved
from tests.worker.crew import working
from worker.arq_worker import QueueWorker
from worker.running import Run


async def test_every_job_runs_and_never_more_than_there_are_slots(world: World) -> None:
    """Twelve jobs through three slots, in the order of their submit."""
    async with working(world, slots=3) as crew:
        ids = [await world.submit() for _ in range(12)]
        for number in range(12):
            runs = await crew.begun(number + 1)
            if number >= 2:
                crew.jobs.finish(runs[number - 2])
        assert crew.jobs.ids == ids
        assert crew.jobs.most_at_once == 3


async def test_what_finds_no_slot_stays_in_the_queue(world: World) -> None:
    """For another worker, who takes it at once."""
    async with working(world, slots=1) as first:
        await world.submit()
        await first.begun(1)
        left = await world.submit()
        async with working(world, slots=1) as second:
            (run,) = await second.begun(1)
            assert run.claim.job_id == left
        assert len(first.jobs.begun) == 1


async def test_a_job_starts_within_50_ms_of_its_submit(world: World) -> None:
    """The bell wakes an idle worker, whose own look into the queue is seconds away."""
    waits = []
    async with working(world, bell_s=30.0) as crew:
        for number in range(1, 12):
            await crew.idle()
            submitted = monotonic()
            await world.submit()
            (*_, run) = await crew.begun(number)
            waits.append(monotonic() - submitted)
            crew.jobs.finish(run)
    assert median(waits) < 0.05


async def test_a_slot_that_frees_is_filled_without_the_bell(world: World) -> None:
    """A worker claims first and blocks only when nothing is due."""
    async with working(world, slots=1, bell_s=30.0) as crew:
        await world.submit()
        (run,) = await crew.begun(1)
        await world.submit()
        await world.call("DEL", world.keys.bell)
        freed = monotonic()
        crew.jobs.finish(run)
        await crew.begun(2)
        assert monotonic() - freed < 0.5


async def test_without_the_bell_a_worker_looks_by_itself(world: World) -> None:
    """A token that is lost costs a look into the queue, never a job."""
    job_id = await world.submit()
    await world.call("ZREM", world.keys.queue, job_id)
    await world.call("DEL", world.keys.bell)
    async with working(world, bell_s=0.2) as crew:
        await until(lambda: crew.bell._rung)  # it waits
        await world.call("ZADD", world.keys.queue, 1, job_id)
        await crew.begun(1)


@pytest.mark.parametrize("kept", [None, b"garbage"])
async def test_a_job_that_arq_cannot_run_is_let_go_at_once(world: World, kept: bytes | None) -> None:
    """Its lease is over and its queue untouched, so that nobody waits for the lease to run out."""
    job_id = await world.submit()
    key = world.keys.arq_job(job_id)
    await (world.call("DEL", key) if kept is None else world.call("SET", key, kept))
    async with working(world, lease_s=30.0) as crew:

        async def let_go() -> bool:
            lease = await world.call("ZSCORE", world.keys.leases, job_id)
            return lease is not None and float(lease) <= await world.now_ms()

        await true(let_go, within_s=5)
        assert crew.jobs.begun == []


async def test_a_burst_spreads_over_two_workers(world: World) -> None:
    """A worker that takes some rings for the rest."""
    async with working(world, slots=4, bell_s=30.0) as one, working(world, slots=4, bell_s=30.0) as two:
        for _ in range(8):
            await world.submit()
        await one.begun(4)
        await two.begun(4)
        assert sorted(one.jobs.ids + two.jobs.ids) == sorted({*one.jobs.ids, *two.jobs.ids})


async def test_a_returned_job_is_let_go(world: World) -> None:
    """Its slot is free, and its lease over: a job that did not end itself is the sweep's."""
    async with working(world) as crew:
        await world.submit()
        (run,) = await crew.begun(1)
        crew.jobs.finish(run)
        await crew.idle()
        score = await world.call("ZSCORE", world.keys.leases, run.claim.job_id)
        assert float(score) <= await world.now_ms()
        assert await world.state(run.claim.job_id) is State.RUNNING


async def test_a_raising_job_is_let_go(world: World) -> None:
    """Whatever it raises, the slot is free and the next job runs in it."""
    async with working(world, slots=1) as crew:
        crew.jobs.failing = RuntimeError("a defect")
        await world.submit()
        (run,) = await crew.begun(1)
        await crew.idle()
        score = await world.call("ZSCORE", world.keys.leases, run.claim.job_id)
        assert float(score) <= await world.now_ms()
        crew.jobs.failing = None
        await world.submit()
        await crew.begun(2)


async def test_a_job_that_always_raises_is_ended_after_three_claims(world: World) -> None:
    """By the sweep, by name; it does not go round for ever."""
    async with working(world, sweeps=True) as crew:
        crew.jobs.failing = RuntimeError("a defect")
        job_id = await world.submit()
        await true(lambda: _ended(world, job_id))
        assert crew.jobs.ids == [job_id] * 3
    assert (await world.record(job_id)).code == "worker_lost"


@pytest.mark.parametrize(
    ("kept", "code"),
    [
        (None, "request_lost"),
        (b"\x80\x04garbage", "worker_lost"),
        (b"[]", "worker_lost"),
        (b"{}", "worker_lost"),
        (json.dumps({"t": None, "f": "other", "a": ["job_x"], "k": {}, "et": 0}).encode(), "worker_lost"),
        (json.dumps({"t": None, "f": "generate", "a": ["job_x"], "k": {}, "et": 0}).encode(), "worker_lost"),
        (json.dumps({"t": None, "f": "generate", "a": [], "k": {}, "et": 0}).encode(), "worker_lost"),
        (json.dumps({"t": None, "f": "generate", "a": 5, "k": 5, "et": "x"}).encode(), "worker_lost"),
        (json.dumps({"t": "x", "f": "generate", "a": [], "k": {}, "et": 0}).encode(), "worker_lost"),
    ],
    ids=["gone", "pickle", "list", "empty", "other function", "other id", "no id", "wrong types", "wrong try"],
)
async def test_a_job_whose_arq_data_is_wrong_costs_no_slot(world: World, kept: bytes | None, code: str) -> None:
    """It is never run, the sweep ends it by name, and the worker's only slot serves the next job."""
    async with working(world, slots=1, lease_s=0.3, sweeps=True) as crew:
        busy = await world.submit()
        await crew.begun(1)
        spoilt = await world.submit()
        key = world.keys.arq_job(spoilt)
        await (world.call("DEL", key) if kept is None else world.call("SET", key, kept))
        crew.jobs.finish(crew.jobs.begun[0])
        crew.jobs.at_once = True
        await true(lambda: _ended(world, spoilt))
        assert (await world.record(spoilt)).code == code
        assert spoilt not in crew.jobs.ids
        await true(lambda: _ended(world, busy))
        good = await world.submit()
        await until(lambda: good in crew.jobs.ids)


async def test_the_end_of_a_stale_attempt_leaves_its_successor_alone(world: World) -> None:
    """Another worker has the job by now; the first one lets go of nothing."""
    async with working(world) as crew:
        job_id = await world.submit()
        (run,) = await crew.begun(1)
        crew.queue.stop()  # what the sweep gives back is the other worker's
        await world.pass_time(job_id, LEASE_S + 1)
        assert (await world.claims("other").sweep()).requeued == [job_id]
        (successor,) = await world.claims("other").claim(8)
        lease = await world.call("ZSCORE", world.keys.leases, job_id)
        crew.jobs.finish(run)
        await crew.idle()
        assert await world.call("ZSCORE", world.keys.leases, job_id) == lease
        record = await world.record(job_id)
        assert (record.state, record.last.attempt) == (State.RUNNING, successor.attempt)
        assert await world.call("EXISTS", world.keys.arq_job(job_id)) == 1


async def test_a_job_claimed_again_by_its_own_worker_is_first_cancelled(world: World) -> None:
    """Two attempts of one job never run side by side."""
    async with working(world, slots=4) as crew:
        job_id = await world.submit()
        (old,) = await crew.begun(1)
        await world.pass_time(job_id, LEASE_S + 1)
        assert (await world.claims("other").sweep()).requeued == [job_id]
        _, new = await crew.begun(2)
        assert crew.jobs.over == [(old.claim.attempt, "cancelled")]
        assert new.claim.attempt > old.claim.attempt
        assert crew.jobs.most_at_once == 1
        assert crew.running.runs == {job_id: new}


async def test_a_run_carries_its_claim_to_the_job(world: World) -> None:
    """With the time from which its lease counts, which is before Redis gave it."""
    async with working(world) as crew:
        before = monotonic()
        job_id = await world.submit()
        (run,) = await crew.begun(1)
        assert run.claim.job_id == job_id
        assert run.task is not None and not run.task.done()
        assert run.since <= monotonic()
        assert run.since > before - 2.0


async def test_a_call_leaves_before_arq_prepares_its_job(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What arq does for it would be a tenth of an idle first token."""
    begun: list[int] = []
    hand_to_arq = QueueWorker._hand_to_arq

    def noted(self: QueueWorker, run: Run) -> None:
        begun.append(len(crew.jobs.begun))
        hand_to_arq(self, run)

    monkeypatch.setattr(QueueWorker, "_hand_to_arq", noted)
    async with working(world, slots=4) as crew:
        for number in range(1, 4):
            await world.submit()
            await crew.begun(number)
        await until(lambda: len(begun) == 3)
        assert begun == [1, 2, 3]
        for run in crew.jobs.begun:
            crew.jobs.finish(run)


async def test_a_job_closed_on_purpose_is_let_go_and_its_slot_free(world: World) -> None:
    """By the guard, a renewal or a drain; with give-back it is queued again and the claim does not count."""
    async with working(world, slots=1) as crew:
        job_id = await world.submit()
        (run,) = await crew.begun(1)
        run.give_back = True
        run.close()
        _, again = await crew.begun(2)
        assert again.claim.job_id == job_id
        assert int(await world.call("HGET", world.keys.record(job_id), "claims")) == 1


async def test_claims_and_slots_are_announced(world: World, moved: Moved) -> None:
    """One queue wait a claim; jobs in flight go up and come down again."""
    async with working(world, slots=2) as crew:
        for _ in range(2):
            await world.submit()
        runs = await crew.begun(2)
        assert moved.by("sluice_jobs_in_flight") == 2
        for run in runs:
            crew.jobs.finish(run)
        await crew.idle()
    assert moved() == {("sluice_queue_wait_seconds_count",): 2}


async def _ended(world: World, job_id: str) -> bool:
    return await world.state(job_id) not in (State.QUEUED, State.RUNNING)


async def test_a_cancelled_job_is_closed_without_waiting_for_the_next_renewal(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The nudge comes over the bell on which its worker waits for more."""
    monkeypatch.setattr("worker.running._RENEW_MOST_S", 1000.0)
    async with working(world, lease_s=1000) as crew:
        job_id = await world.submit()
        await crew.begun(1)
        await world.log.end(job_id, None, "cancelled", "cancelled")
        await until(lambda: crew.jobs.over == [(crew.jobs.begun[0].claim.attempt, "cancelled")])


@pytest.mark.parametrize("ended", [True, False])
async def test_only_what_was_not_ended_is_let_go_of(world: World, monkeypatch: pytest.MonkeyPatch, ended: bool) -> None:
    """An ending has taken its job out of everything."""
    released: list[str] = []
    release = Claims.release

    async def noted(self: Claims, job_id: str, attempt: int, *, give_back: bool = False) -> str:
        released.append(job_id)
        return await release(self, job_id, attempt, give_back=give_back)

    monkeypatch.setattr(Claims, "release", noted)
    async with working(world) as crew:
        job_id = await world.submit()
        (run,) = await crew.begun(1)
        run.writer = world.writer(run.claim)
        await run.writer.write([EVENT], mark="done" if ended else "")
        crew.jobs.finish(run)
        await crew.idle()
    assert released == ([] if ended else [job_id])
