"""The laws of endings: each job has one, it is readable, and nothing of the job outstays it."""

import json

import pytest

from streamlog.errors import CODES, error_body
from tests.streamlog.laws.book import law, law_of_real_servers
from tests.streamlog.world import EVENT, KEEP_S, World


async def _what_remains(world: World, job_id: str) -> set[str]:
    """The job's keys, and the fleet's sets that hold it."""
    keys = world.keys
    own = {key(job_id) for key in (keys.record, keys.body, keys.log, keys.watch, keys.arq_job, keys.arq_retry)}
    own.add(keys.lua().partition("ARQ_PROGRESS = '")[2].partition("'")[0] + job_id)
    there = {name for name in own if await world.call("EXISTS", name)}
    fleet = (keys.queue, keys.leases, keys.checks)
    return there | {name for name in fleet if await world.call("ZSCORE", name, job_id) is not None}


async def _litter(world: World, job_id: str) -> None:
    """Everything that could be left of a job: arq's keys too."""
    await world.call("SET", world.keys.arq_retry(job_id), "1")
    await world.call("SET", "arq:in-progress:" + job_id, "1")


@law
async def an_ending_leaves_only_record_and_log(world: World) -> None:
    """Queue, lease, look, body, watch and arq's keys go; record and log stay for the retention."""
    claim, writer = await world.running(gateway="g1")
    await _litter(world, claim.job_id)
    await writer.write([EVENT], mark="done")
    remains = {world.keys.record(claim.job_id), world.keys.log(claim.job_id)}
    assert await _what_remains(world, claim.job_id) == remains
    for key in remains:
        assert KEEP_S * 1000 - 2000 < await world.call("PTTL", key) <= KEEP_S * 1000


@law
async def an_ending_in_the_queue_leaves_only_record_and_log(world: World) -> None:
    """The same for a job that never ran."""
    job_id = await world.submit(gateway="g1")
    await _litter(world, job_id)
    await world.log.end(job_id, None, "cancelled", "cancelled")
    remains = {world.keys.record(job_id), world.keys.log(job_id)}
    assert await _what_remains(world, job_id) == remains
    for key in remains:
        assert KEEP_S * 1000 - 2000 < await world.call("PTTL", key) <= KEEP_S * 1000


@law
async def an_ending_by_its_writer_is_its_next_frame(world: World) -> None:
    """The last frame carries the mark; state, code and time are in the record."""
    claim, writer = await world.running()
    await writer.write([EVENT])
    await writer.write([EVENT], mark="failed", code="upstream_cut")
    *_, last = (await world.log.read(claim.job_id)).chunks
    assert (last.attempt, last.first, last.last, last.mark) == (claim.attempt, 2, 2, "failed")
    record = await world.record(claim.job_id)
    assert (record.state, record.code, record.last) == ("failed", "upstream_cut", last.position)
    assert record.ended_us == last.stored_us


@law
async def an_ending_from_outside_is_the_first_frame_of_a_new_attempt(world: World) -> None:
    """So nobody can take it for the next frame of the answer, and the writer's next append is refused."""
    for frames in (0, 3):
        claim, writer = await world.running()
        if frames:
            await writer.write([EVENT] * frames)
        ended = await world.log.end(claim.job_id, None, "cancelled", "cancelled")
        *_, last = (await world.log.read(claim.job_id)).chunks
        assert ended is not None
        told = (ended.job_id, ended.state, ended.code, ended.model)
        assert told == (claim.job_id, "cancelled", "cancelled", "claude")
        assert (last.first, last.last, last.mark) == (1, 1, "cancelled")
        assert last.attempt > claim.attempt
        assert last.data.startswith(f"id: {claim.job_id}:{last.attempt}-1\nevent: error\n".encode())
        assert (await world.record(claim.job_id)).last == last.position


@law
async def every_named_ending_is_an_error_body(world: World) -> None:
    """What the scripts write for each code is, byte for byte, what the errors' table says."""
    for code, told in CODES.items():
        job_id = await world.submit(request_id="req_of_the_client")
        await world.log.end(job_id, None, "failed", code)
        _, _, body = (await world.frames(job_id)).partition(b"\ndata: ")
        assert body == error_body(told.error_type, told.message, code, "req_of_the_client") + b"\n\n"
        assert json.loads(body)["error"]["details"] == {"error_code": code}


@law
async def a_second_ending_is_impossible(world: World) -> None:
    """Whatever ends a job first stands; whoever comes later changes nothing, and is told so."""
    for state in ("done", "failed", "cancelled"):
        claim, writer = await world.running()
        await writer.write([EVENT], mark=state, code="upstream_cut")
        before = (await world.record(claim.job_id), await world.frames(claim.job_id))
        for attempt in (None, claim.attempt, claim.attempt + 10**6):
            assert await world.log.end(claim.job_id, attempt, "cancelled", "cancelled") is None
        assert (await world.record(claim.job_id), await world.frames(claim.job_id)) == before


@law
async def end_by_a_stale_attempt_does_nothing(world: World) -> None:
    """A worker may end its own job by name, not the one that a later attempt has."""
    stale, _ = await world.running()
    await world.claims().release(stale.job_id, stale.attempt, give_back=True)
    assert await world.log.end(stale.job_id, stale.attempt, "failed", "worker_failed") is None
    claim = await world.claim()
    assert await world.log.end(stale.job_id, stale.attempt, "failed", "worker_failed") is None
    assert await world.state(stale.job_id) == "running"
    assert await world.log.end(stale.job_id, claim.attempt, "failed", "worker_failed") is not None
    assert await world.state(stale.job_id) == "failed"


@law
async def end_of_a_job_that_is_gone_bears_nothing(world: World) -> None:
    """A job that expired is not born again by a late cancel."""
    job_id = await world.submit()
    await world.call("DEL", world.keys.record(job_id))
    assert await world.log.end(job_id, None, "cancelled", "cancelled") is None
    assert await world.call("EXISTS", world.keys.record(job_id), world.keys.log(job_id)) == 0


@law
async def end_from_the_queue_takes_the_job_out_of_it(world: World) -> None:
    """A cancelled queued job is never claimed."""
    cancelled, waiting = await world.submit(), await world.submit()
    assert await world.log.end(cancelled, None, "cancelled", "cancelled") is not None
    for key in (world.keys.queue, world.keys.checks):
        assert await world.call("ZRANGE", key, 0, -1) == [waiting.encode()]
    assert [claim.job_id for claim in await world.claims().claim(8)] == [waiting]


@law_of_real_servers("fakeredis tells a script's error in several lines, which the Redis protocol does not allow")
async def an_unknown_code_ends_nothing(world: World) -> None:
    """A word that is not in the errors' table is refused before anything is written."""
    job_id = await world.submit()
    with pytest.raises(Exception, match="concatenate"):
        await world.log.end(job_id, None, "failed", "no_such_code")
    assert await world.state(job_id) == "queued"
    assert await world.frames(job_id) == b""


@law
async def a_cancel_leaves_its_worker_one_nudge(world: World) -> None:
    """However many it cancels; none for a job that waits, none for a worker that ends its own, and not for ever."""
    nudges = world.keys.nudges("worker")
    waiting = await world.submit()
    await world.log.end(waiting, None, "cancelled", "cancelled")
    first, _ = await world.running()
    await world.log.end(first.job_id, first.attempt, "failed", "worker_failed")
    assert await world.call("EXISTS", nudges) == 0
    for _ in range(3):
        claim, _ = await world.running()
        await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    assert await world.call("LLEN", nudges) == 1
    assert 0 < await world.call("PTTL", nudges) <= 60_000


@law
async def rouse_wakes_a_worker_and_no_other(world: World) -> None:
    """Where it waits at a bell, once."""
    world.claims("worker").rouse()
    assert await world.call("LLEN", world.keys.nudges("worker")) == 1
    assert await world.call("EXISTS", world.keys.nudges("other")) == 0
