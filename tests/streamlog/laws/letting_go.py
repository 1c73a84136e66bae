"""The laws of release and note: who holds a job may let go of it and write its facts, and nobody else may."""

from tests.streamlog.laws.book import law
from tests.streamlog.world import EVENT, World


async def _everything(world: World, job_id: str) -> list[object]:
    """What is known of a job, in its record and in the fleet's sets."""
    fleet = (world.keys.queue, world.keys.leases, world.keys.checks)
    record = await world.call("HGETALL", world.keys.record(job_id))
    return [record, *[await world.call("ZRANGE", key, 0, -1, "WITHSCORES") for key in fleet]]


@law
async def release_hands_a_job_to_the_sweep(world: World) -> None:
    """Its lease ends now, so the next sweep decides about it."""
    claim, _ = await world.running()
    assert await world.claims().release(claim.job_id, claim.attempt) == "released"
    assert await world.state(claim.job_id) == "running"
    assert (await world.claims().sweep()).requeued == [claim.job_id]


@law
async def release_gives_back_at_once_and_does_not_count_the_claim(world: World) -> None:
    """A drain is not the job's fault: it may be given back more often than a worker may be lost."""
    job_id = await world.submit()
    for _ in range(5):
        claim = await world.claim()
        assert await world.claims().release(job_id, claim.attempt, give_back=True) == "requeued"
        assert await world.state(job_id) == "queued"
        assert await world.call("ZCARD", world.keys.leases) == 0
    await world.claim()
    await world.call("ZADD", world.keys.leases, 0, job_id)
    assert (await world.claims().sweep()).requeued == [job_id]


@law
async def release_gives_back_to_the_head_and_rings(world: World) -> None:
    """What was claimed first is claimed first again, and a worker wakes for it."""
    claim, _ = await world.running()
    later = await world.submit()
    await world.call("DEL", world.keys.bell)
    await world.claims().release(claim.job_id, claim.attempt, give_back=True)
    assert await world.call("LLEN", world.keys.bell) == 1
    assert [again.job_id for again in await world.claims().claim(2)] == [claim.job_id, later]


@law
async def release_does_not_give_back_after_content(world: World) -> None:
    """There is no other answer any more, so the sweep ends it by name."""
    claim, writer = await world.running()
    await writer.write([EVENT] * 10)
    assert await world.claims().release(claim.job_id, claim.attempt, give_back=True) == "released"
    assert await world.state(claim.job_id) == "running"
    assert [ended.code for ended in (await world.claims().sweep()).ended] == ["worker_lost"]


@law
async def release_never_disturbs_a_successor(world: World) -> None:
    """A stale worker that lets go changes nothing of a job that waits again, or that another has claimed."""
    stale, _ = await world.running()
    await world.claims().release(stale.job_id, stale.attempt, give_back=True)
    for give_back in (False, True):
        before = await _everything(world, stale.job_id)
        assert await world.claims().release(stale.job_id, stale.attempt, give_back=give_back) == "not_ours"
        assert await _everything(world, stale.job_id) == before
    await world.claim()
    for give_back in (False, True):
        before = await _everything(world, stale.job_id)
        assert await world.claims().release(stale.job_id, stale.attempt, give_back=give_back) == "not_ours"
        assert await _everything(world, stale.job_id) == before


@law
async def release_of_an_ended_job_does_nothing(world: World) -> None:
    """A worker that lets go of what it has ended, or what was cancelled, brings nothing back."""
    claim, writer = await world.running()
    await writer.write([EVENT], mark="done")
    before = await _everything(world, claim.job_id)
    assert await world.claims().release(claim.job_id, claim.attempt, give_back=True) == "not_ours"
    assert await _everything(world, claim.job_id) == before


@law
async def note_writes_only_while_the_attempt_is_ours(world: World) -> None:
    """Facts of a stale or ended attempt do not reach the record."""
    stale, _ = await world.running()
    key = world.keys.record(stale.job_id)
    assert await world.line.script("note", stale.job_id, stale.attempt, "usage", "{}") == 1
    await world.claims().release(stale.job_id, stale.attempt, give_back=True)
    waiting = (await world.record(stale.job_id)).last
    for attempt in (stale.attempt, waiting.attempt):
        assert await world.line.script("note", stale.job_id, attempt, "usage", "stale") == 0
    claim = await world.claim()
    assert await world.line.script("note", stale.job_id, stale.attempt, "usage", "stale") == 0
    await world.writer(claim).write([EVENT], mark="done")
    assert await world.line.script("note", stale.job_id, claim.attempt, "usage", "late") == 0
    assert await world.call("HGET", key, "usage") == b"{}"


@law
async def note_to_a_job_that_is_gone_bears_no_record(world: World) -> None:
    """An expired record is not born again by a late fact."""
    claim, _ = await world.running()
    await world.call("DEL", world.keys.record(claim.job_id))
    assert await world.line.script("note", claim.job_id, claim.attempt, "usage", "{}") == 0
    assert await world.call("EXISTS", world.keys.record(claim.job_id)) == 0
