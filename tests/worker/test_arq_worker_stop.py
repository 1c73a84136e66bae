"""worker/arq_worker.py at its stop: nothing more is claimed, and what comes nevertheless is given back."""

import asyncio
from collections.abc import Sequence

import pytest

from streamlog.claims import Claim
from streamlog.keys import Lane
from streamlog.lifecycle import State
from streamlog.line import Line
from streamlog.log import Ended
from tests.streamlog.world import World
from tests.support.facts import true, until
from tests.worker.crew import working


async def test_after_stop_nothing_more_is_claimed(world: World) -> None:
    """What runs goes on; what is submitted is another worker's, and so is the token that tells of it."""
    async with working(world, bell_s=30.0) as stopping:
        await world.submit()
        await stopping.begun(1)
        stopping.queue.stop()
        await until(lambda: not stopping.bell.connected or stopping.bell._rung is None)
        late = await world.submit()
        assert await world.call("LLEN", world.keys.bell) == 1
        async with working(world, bell_s=30.0) as other:
            (run,) = await other.begun(1)
            assert run.claim.job_id == late
        assert len(stopping.jobs.begun) == 1
        assert stopping.jobs.over == []


async def test_a_claim_under_way_at_the_stop_is_given_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and not counted as a claim of that job; only then is the worker said to have stopped."""
    async with working(world, bell_s=30.0) as stopping:
        claims = stopping.queue._claims
        claim, late = claims.claim, asyncio.Event()

        async def slow(most: int, lane: Lane) -> list[Claim]:
            found = await claim(most, lane)
            if found:
                stopping.queue.stop()
                await late.wait()
            return found

        monkeypatch.setattr(claims, "claim", slow)
        job_id = await world.submit()
        await until(stopping.queue._stopping.is_set)
        assert not stopping.queue.stopped.is_set()
        late.set()
        await asyncio.wait_for(stopping.queue.stopped.wait(), 5)
        assert (await world.record(job_id)).state == State.QUEUED
        assert await world.call("HGET", world.keys.record(job_id), "claims") == b"0"
        assert stopping.jobs.begun == []


async def test_a_job_that_comes_with_the_bell_after_the_stop_is_given_back(world: World) -> None:
    """Redis claims for a worker that waits; it may have decided otherwise meanwhile."""
    async with working(world, bell_s=30.0) as stopping:
        await _waits_at_the_bell(world)
        stopping.queue._stopping.set()
        job_id = await world.submit()
        await asyncio.wait_for(stopping.queue.stopped.wait(), 5)
        record = await world.record(job_id)
        assert record.state == State.QUEUED
        assert await world.call("HGET", world.keys.record(job_id), "claims") == b"0"
        assert stopping.jobs.begun == []


async def _waits_at_the_bell(world: World) -> None:
    async def waits() -> bool:
        return b"blocked_clients:1\r" in await world.call("INFO", "clients")

    await true(waits)


async def test_what_was_claimed_while_nothing_was_heard_is_asked_for_before_it_is_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped at the bell wakes with a job that may be another's by now."""
    asked: list[str] = []

    async def taken_over(pairs: Sequence[tuple[str, int]], _: object) -> tuple[set[str], list[Ended]]:
        asked.extend(job_id for job_id, _ in pairs)
        return {job_id for job_id, _ in pairs}, []

    async with working(world, bell_s=30.0) as late:
        await _waits_at_the_bell(world)
        with monkeypatch.context() as slept:
            slept.setattr(Line, "silent_s", 60.0)
            slept.setattr(late.queue._claims, "renew", taken_over)
            job_id = await world.submit()
            await until(lambda: asked)
            assert asked == [job_id]
        second = await world.submit()
        (run,) = await late.begun(1)
        assert run.claim.job_id == second
        assert late.jobs.ids == [second]
