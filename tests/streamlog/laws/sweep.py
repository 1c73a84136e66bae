"""The laws of sweep: no job is forgotten, whatever became of its worker, its listeners or its data."""

from tests.streamlog.laws.book import law
from tests.streamlog.world import EVENT, GRACE_S, LEASE_S, QUEUE_WAIT_S, WATCH_S, World


async def _lose_the_worker(world: World, job_id: str) -> None:
    await world.pass_time(job_id, LEASE_S + 1)


async def _ended(world: World) -> list[tuple[str, str, str]]:
    swept = await world.claims().sweep()
    assert swept.requeued == []
    return [(ended.job_id, ended.state, ended.code) for ended in swept.ended]


@law
async def sweep_leaves_what_is_in_order(world: World) -> None:
    """Leases that hold and jobs that may wait are not touched."""
    claim, _ = await world.running()
    await world.submit(gateway="g1")
    await world.pass_time(claim.job_id, LEASE_S - 1)
    assert await _ended(world) == []
    assert await world.call("ZCARD", world.keys.leases) == 1


@law
async def sweep_tells_how_many_jobs_run(world: World) -> None:
    """All workers' jobs, each once, and none that waits or that has just been given up."""
    claim, _ = await world.running()
    await world.running()
    await world.submit()
    assert (await world.claims("other").sweep()).running == 2
    await _lose_the_worker(world, claim.job_id)
    assert (await world.claims().sweep()).running == 1


@law
async def sweep_puts_a_lost_job_without_content_back_at_the_head(world: World) -> None:
    """It is claimed before those that came later, under a new attempt, and its client sees nothing."""
    lost, _ = await world.running()
    later = await world.submit()
    await _lose_the_worker(world, lost.job_id)
    swept = await world.claims().sweep()
    assert (swept.requeued, swept.ended) == ([lost.job_id], [])
    record = await world.record(lost.job_id)
    assert record.state == "queued"
    assert record.last.attempt > lost.attempt
    assert await world.frames(lost.job_id) == b""
    first, second = await world.claims().claim(2)
    assert (first.job_id, second.job_id) == (lost.job_id, later)
    assert first.attempt > record.last.attempt
    assert await world.call("ZCARD", world.keys.leases) == 2


@law
async def a_job_put_back_may_wait_its_whole_time_again(world: World) -> None:
    """What it waited and ran before does not count against its queue deadline."""
    lost, _ = await world.running(queue_wait_s=3)
    await _lose_the_worker(world, lost.job_id)
    assert (await world.claims().sweep()).requeued == [lost.job_id]
    assert await _ended(world) == []
    await world.pass_time(lost.job_id, 4)
    assert await _ended(world) == [(lost.job_id, "failed", "queue_timeout")]


@law
async def sweep_ends_a_job_whose_third_worker_was_lost(world: World) -> None:
    """A job that takes its workers with it is not given to a fourth."""
    job_id = await world.submit()
    for _ in range(2):
        await world.claim()
        await _lose_the_worker(world, job_id)
        assert (await world.claims().sweep()).requeued == [job_id]
    await world.claim()
    await _lose_the_worker(world, job_id)
    assert await _ended(world) == [(job_id, "failed", "worker_lost")]


@law
async def sweep_ends_a_lost_job_with_content_by_name(world: World) -> None:
    """After content there is no other answer: the stream ends with worker_lost, in a position of a new attempt."""
    claim, writer = await world.running()
    await writer.write([EVENT] * 10)
    await _lose_the_worker(world, claim.job_id)
    assert await _ended(world) == [(claim.job_id, "failed", "worker_lost")]
    assert (await world.record(claim.job_id)).code == "worker_lost"
    *_, last = (await world.log.read(claim.job_id)).chunks
    assert (last.mark, last.first, last.last) == ("failed", 1, 1)
    assert last.attempt > claim.attempt
    assert b"event: error\n" in last.data
    assert b'"error_code":"worker_lost"' in last.data


@law
async def sweep_ends_a_job_that_waited_too_long(world: World) -> None:
    """At its queue deadline a job ends with queue_timeout, and not before."""
    job_id = await world.submit()
    await world.pass_time(job_id, QUEUE_WAIT_S - 1)
    assert await _ended(world) == []
    await world.pass_time(job_id, 2)
    assert await _ended(world) == [(job_id, "failed", "queue_timeout")]


@law
async def sweep_cancels_a_queued_job_whose_listeners_left(world: World) -> None:
    """A queued attached job has its grace time from the leaving of its last subscriber, and no more."""
    job_id = await world.submit(gateway="g1")
    await world.line.script("leave", "g1", job_id)
    await world.pass_time(job_id, GRACE_S - 1)
    await world.call("ZADD", world.keys.checks, 0, job_id)
    assert await _ended(world) == []
    await world.pass_time(job_id, 2)
    assert await _ended(world) == [(job_id, "cancelled", "abandoned")]


@law
async def sweep_cancels_a_queued_job_whose_gateway_died(world: World) -> None:
    """A gateway's word that ran out, and the grace time after it, end a queued attached job."""
    job_id = await world.submit(gateway="g1")
    await world.pass_time(job_id, WATCH_S + GRACE_S - 1)
    assert await _ended(world) == []
    await world.pass_time(job_id, 2)
    assert await _ended(world) == [(job_id, "cancelled", "abandoned")]


@law
async def sweep_looks_later_at_a_queued_job_that_is_watched_again(world: World) -> None:
    """A word that was renewed moves the look on, so a watched job is not looked at in each sweep."""
    job_id = await world.submit(gateway="g1", queue_wait_s=600)
    await world.pass_time(job_id, WATCH_S + GRACE_S + 1)
    await world.line.script("watch", "g2", int(WATCH_S * 1000), job_id)
    assert await _ended(world) == []
    look_ms = float(await world.call("ZSCORE", world.keys.checks, job_id))
    assert 0 <= await world.now_ms() + (WATCH_S + GRACE_S) * 1000 - look_ms < 2000


@law
async def sweep_lets_a_detached_job_wait(world: World) -> None:
    """Nobody need listen to a detached job."""
    job_id = await world.submit(queue_wait_s=600)
    await world.pass_time(job_id, 500)
    await world.call("ZADD", world.keys.checks, 0, job_id)
    assert await _ended(world) == []
    assert await world.state(job_id) == "queued"


@law
async def sweep_ends_a_queued_job_whose_body_is_gone(world: World) -> None:
    """A request that was lost before it could run is said so."""
    job_id = await world.submit()
    await world.call("DEL", world.keys.body(job_id))
    await world.call("ZADD", world.keys.checks, 0, job_id)
    assert await _ended(world) == [(job_id, "failed", "request_lost")]


@law
async def sweep_ends_a_queued_job_whose_arq_key_is_gone(world: World) -> None:
    """The same for what arq keeps of a job."""
    job_id = await world.submit()
    await world.call("DEL", world.keys.arq_job(job_id))
    await world.call("ZADD", world.keys.checks, 0, job_id)
    assert await _ended(world) == [(job_id, "failed", "request_lost")]


@law
async def sweep_removes_ids_without_a_record(world: World) -> None:
    """Stale members of the fleet's sets go, without an ending for a job that nobody can ask about."""
    claim, _ = await world.running()
    queued = await world.submit()
    await world.call("DEL", world.keys.record(claim.job_id), world.keys.record(queued))
    await world.call("ZADD", world.keys.leases, 0, claim.job_id)
    await world.call("ZADD", world.keys.checks, 0, queued)
    assert await _ended(world) == []
    for key in (world.keys.leases, world.keys.checks, world.keys.queue):
        assert await world.call("ZCARD", key) == 0
    assert await world.call("KEYS", world.keys.log("*")) == []


@law
async def sweep_works_in_pages(world: World) -> None:
    """However much there is to do, one sweep does a page of it."""
    ids = [(await world.running())[0].job_id for _ in range(3)]
    queued = [await world.submit() for _ in range(3)]
    for job_id in ids:
        await world.call("ZADD", world.keys.leases, 0, job_id)
        await world.call("HSET", world.keys.record(job_id), "claims", 3)
    for job_id in queued:
        await world.pass_time(job_id, QUEUE_WAIT_S + 1)
    assert [len((await world.claims().sweep(page=2)).ended) for _ in range(3)] == [4, 2, 0]


@law
async def sweep_rings_while_jobs_wait(world: World) -> None:
    """A token that was lost is replaced, so that a waiting job starts late and not never."""
    await world.claims().sweep()
    assert await world.call("LLEN", world.keys.bell) == 0
    await world.submit()
    await world.call("DEL", world.keys.bell)
    await world.claims().sweep()
    assert await world.call("LLEN", world.keys.bell) == 1


@law
async def sweep_says_which_workers_live(world: World) -> None:
    """A worker counts as alive for some seconds after its sweep, and is forgotten after a minute."""
    await world.claims("w1").sweep()
    await world.claims("w2").sweep()
    assert (await world.log.fleet()).workers == 2
    await world.call("ZADD", world.keys.workers, "XX", "INCR", -10_000, "w1")
    assert (await world.log.fleet()).workers == 1
    await world.call("ZADD", world.keys.workers, "XX", "INCR", -60_000, "w1")
    await world.claims("w2").sweep()
    assert await world.call("ZRANGE", world.keys.workers, 0, -1) == [b"w2"]


@law
async def sweep_by_a_gateway_does_all_but_count_as_a_worker(world: World) -> None:
    """A fleet without workers still ends its jobs, and does not look as if it had one."""
    job_id = await world.submit()
    await world.pass_time(job_id, QUEUE_WAIT_S + 1)
    swept = await world.claims("").sweep()
    assert [ended.code for ended in swept.ended] == ["queue_timeout"]
    assert (await world.log.fleet()).workers == 0
