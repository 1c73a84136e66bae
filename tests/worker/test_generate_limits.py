"""worker/generate.py, when something ends a job from outside: limits, a Redis that forgets, another owner, a defect."""

import asyncio

import pytest

from streamlog.jobs import Request
from streamlog.lifecycle import State
from tests.streamlog.world import World
from tests.support import said
from tests.support.facts import until
from tests.support.valkey import Valkey
from tests.worker import wire
from tests.worker.runs import PLAIN, WHOLE, Runner, message, simulated, simulating, upstream_is
from tests.worker.wire import Reply, chunk, head
from worker.settings import WorkerSettings


async def test_a_job_beyond_its_run_limit_is_ended_by_name(world: World) -> None:
    """After content and before it alike; the upstream's connection is closed."""
    for pieces in ((), (chunk(said.start() + said.text("Hello")),)):
        async with upstream_is(world, wire.silent(head(), *pieces)) as (runner, served):
            claim, writer = await runner.claimed(PLAIN)
            await runner.go(claim, writer, run_limit_s=0.3)
            record = await world.record(claim.job_id)
            assert (record.state, record.code) == (State.FAILED, "run_timeout")
            await asyncio.wait_for(served.left.wait(), 1)


@pytest.mark.parametrize(
    ("asked", "reply"),
    [
        (PLAIN, wire.streamed(said.start(), *(said.text("x" * 1000) for _ in range(1200)))),
        (WHOLE, wire.whole(200, b'{"x": "' + b"x" * (1 << 20) + b'"}')),
    ],
    ids=["streamed", "whole"],
)
async def test_an_answer_beyond_the_limit_ends_by_name(world: World, asked: Request, reply: Reply) -> None:
    """It is not kept, and not asked for again."""
    async with upstream_is(world, reply) as (runner, served):
        runner.settings = WorkerSettings(answer_bytes=1 << 20)
        claim, writer = await runner.claimed(asked)
        await runner.go(claim, writer)
    record = await world.record(claim.job_id)
    assert (record.state, record.code) == (State.FAILED, "answer_too_large")
    assert len(served.requests) == 1


async def test_a_whole_answer_larger_than_a_chunk_ends_by_name(world: World) -> None:
    """4 MiB is the most that Redis is given at once."""
    async with upstream_is(world, wire.whole(200, b'{"x": "' + b"x" * (4 << 20) + b'"}')) as (runner, _):
        claim, writer = await runner.claimed(WHOLE)
        await runner.go(claim, writer)
    assert (await world.record(claim.job_id)).code == "answer_too_large"


async def test_a_redis_that_lost_its_tail_ends_the_stream_as_lost(world: World) -> None:
    """Frames that this worker wrote are not there any more, so nothing can follow them."""
    more = asyncio.Event()

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head() + chunk(said.start() + said.text("Hello")))
        await more.wait()
        writer.write(chunk(said.text(" world") + said.STOP) + chunk(b""))

    async with upstream_is(world, reply) as (runner, _):
        claim, writer = await runner.claimed(PLAIN)
        running = asyncio.create_task(runner.go(claim, writer))
        await until(lambda: writer.begun)
        await world.call("HSET", world.keys.record(claim.job_id), "last", f"{claim.attempt}-0")
        more.set()
        await running
    record = await world.record(claim.job_id)
    assert (record.state, record.code) == (State.FAILED, "stream_lost")
    assert record.last.attempt > claim.attempt


async def test_a_body_that_is_gone_ends_the_job_by_name(world: World) -> None:
    """There is nothing to ask."""
    async with simulating() as (simulator, upstream):
        job_id = await world.submit(message())
        await world.call("DEL", world.keys.body(job_id))
        claim = await world.claim()
        await Runner(world, upstream, WorkerSettings()).go(claim, world.writer(claim))
        assert simulator.ledger.newest(10) == []
    record = await world.record(job_id)
    assert (record.state, record.code) == (State.FAILED, "request_lost")


@pytest.mark.parametrize("how", ["cancelled", "taken over", "expired"])
async def test_a_job_that_is_not_ours_any_more_is_left_alone(world: World, how: str) -> None:
    """At the next append: the upstream call is closed, and nothing is written or ended."""
    more = asyncio.Event()

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head() + chunk(said.start() + said.text("Hello")))
        await more.wait()
        writer.write(chunk(said.text(" world")))
        await asyncio.Event().wait()

    async with upstream_is(world, reply, idle_s=0.5) as (runner, served):
        claim, writer = await runner.claimed(PLAIN)
        key = world.keys.record(claim.job_id)
        running = asyncio.create_task(runner.go(claim, writer))
        await until(lambda: writer.begun)
        if how == "cancelled":
            await world.log.end(claim.job_id, None, State.CANCELLED, "cancelled")
        if how == "taken over":
            await world.call("HSET", key, "attempt", claim.attempt + 1, "last", f"{claim.attempt + 1}-0")
        if how == "expired":
            await world.call("DEL", key, world.keys.log(claim.job_id))
        before = (await world.call("HGETALL", key), await world.frames(claim.job_id))
        more.set()
        await running
        await asyncio.wait_for(served.left.wait(), 1)
        assert (await world.call("HGETALL", key), await world.frames(claim.job_id)) == before


async def test_a_writer_that_is_not_sure_of_its_lease_writes_nothing(world: World) -> None:
    """It closes its call and leaves the job to the sweep."""
    async with upstream_is(world, wire.silent(head(), chunk(said.start() + said.text("Hello")))) as (runner, served):
        runner.sure = False
        claim, writer = await runner.claimed(PLAIN)
        await runner.go(claim, writer)
        await asyncio.wait_for(served.left.wait(), 1)
        outcome = await runner.outcome(claim)
    assert (outcome.chunks, outcome.record.state) == ([], State.RUNNING)


async def test_a_cancelled_task_closes_its_call_at_once(world: World) -> None:
    """Before the first token too; the cancellation goes on to its caller."""
    async with upstream_is(world, wire.silent()) as (runner, served):
        claim, writer = await runner.claimed(PLAIN)
        running = asyncio.create_task(runner.go(claim, writer))
        await asyncio.wait_for(served.asked.wait(), 2)
        running.cancel()
        await asyncio.wait_for(served.left.wait(), 1)
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_redis_that_is_gone_leaves_the_job_to_the_sweep() -> None:
    """Nothing is raised; within the timeout the call is closed."""
    valkey = Valkey()
    world = World(valkey.url, timeout_s=0.3)
    more = asyncio.Event()

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head() + chunk(said.start()))
        await more.wait()
        writer.write(chunk(said.text("Hello")))
        await asyncio.Event().wait()

    try:
        async with world, upstream_is(world, reply) as (runner, served):
            claim, writer = await runner.claimed(PLAIN)
            running = asyncio.create_task(runner.go(claim, writer))
            await asyncio.wait_for(served.asked.wait(), 2)
            valkey.kill()
            more.set()
            await asyncio.wait_for(running, 5)
            await asyncio.wait_for(served.left.wait(), 1)
    finally:
        valkey.close()


async def test_a_defect_of_ours_ends_the_job_by_name(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a silent end, whatever was not foreseen."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("worker.generate.Generation.run", broken)
    async with simulated(world) as runner:
        claim, writer = await runner.claimed(message())
        await runner.go(claim, writer)
    assert (await world.record(claim.job_id)).code == "worker_failed"
