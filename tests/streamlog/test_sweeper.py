"""streamlog/sweeper.py: the sweep goes on whatever Redis does, and what it did is announced once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError

from streamlog.claims import Claims, Swept
from streamlog.lifecycle import State
from streamlog.sweeper import Sweeper
from telemetry.sweeping import announce_swept
from tests.streamlog.world import EVENT, LEASE_S, QUEUE_WAIT_S, World
from tests.support.facts import true, until
from tests.support.series import Moved


class Refusing(Claims):
    """A sweep that fails for a while."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.swept = 0

    async def sweep(self, page: int = 100) -> Swept:
        if self._errors:
            raise self._errors.pop(0)
        self.swept += 1
        return Swept([], [], 0)


@pytest.fixture
def moved() -> Moved:
    """What the metrics have done since the test began."""
    return Moved()


@asynccontextmanager
async def sweeping(claims: Claims) -> AsyncIterator[Sweeper]:
    """A sweeper at work; it must not end by itself."""
    sweeper = Sweeper(claims, 0.02, lambda swept: announce_swept(swept.ended, len(swept.requeued)))
    task = asyncio.create_task(sweeper.sweep_for_ever())
    try:
        yield sweeper
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_leases_that_ran_out_are_dealt_with_and_counted(world: World, moved: Moved) -> None:
    """Without content back to the queue, with content ended by name; both are lost leases, one is an ended job."""
    silent, _ = await world.running()
    spoken, writer = await world.running()
    await writer.write([EVENT])
    for claim in (silent, spoken):
        await world.pass_time(claim.job_id, LEASE_S + 1)
    async with sweeping(world.claims()):
        await until(lambda: moved.by("sluice_leases_lost_total") == 2)
    assert await world.state(silent.job_id) is State.QUEUED
    record = await world.record(spoken.job_id)
    assert (record.state, record.code) == (State.FAILED, "worker_lost")
    assert moved.by("sluice_jobs_total", "ending=failed") == 1


async def test_a_queued_job_past_its_deadline_is_ended_and_no_lost_lease(world: World, moved: Moved) -> None:
    """It is counted as ended, with the time since its submit."""
    job_id = await world.submit()
    await world.pass_time(job_id, QUEUE_WAIT_S + 1)
    async with sweeping(world.claims()):
        await until(lambda: moved.by("sluice_jobs_total", "ending=failed") == 1)
    assert (await world.record(job_id)).code == "queue_timeout"
    assert moved() == {
        ("sluice_jobs_total", "ending=failed"): 1,
        ("sluice_stream_duration_seconds_count", "ending=failed"): 1,
    }


@pytest.mark.parametrize(
    "error",
    [RedisConnectionError("gone"), OSError("refused"), TimeoutError(), BusyLoadingError(), ValueError("garbled")],
)
async def test_the_sweep_survives_redis_errors(error: Exception) -> None:
    """It tries again, and again."""
    claims = Refusing(error, error)
    async with sweeping(claims):
        await until(lambda: claims.swept >= 2)


async def test_idle_is_the_time_since_redis_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that failed does not make a worker look alive."""
    now = 100.0
    monkeypatch.setattr("streamlog.sweeper.monotonic", lambda: now)
    claims = Refusing(OSError("refused"))
    sweeper = Sweeper(claims, 0.01, lambda swept: None)
    now = 107.0
    task = asyncio.create_task(sweeper.sweep_for_ever())
    await asyncio.sleep(0)
    assert sweeper.idle_s == 7.0
    await until(lambda: claims.swept)
    assert sweeper.idle_s == 0.0
    task.cancel()


async def test_a_sweep_tells_that_its_worker_lives(world: World) -> None:
    """The fleet counts workers by their sweeps."""
    assert (await world.log.fleet()).workers == 0
    async with sweeping(world.claims("one")), sweeping(world.claims("two")):

        async def both() -> bool:
            return (await world.log.fleet()).workers == 2

        await true(both)
