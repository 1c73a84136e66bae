"""The laws of watch and leave: a gateway's word about who listens."""

from tests.streamlog.laws.book import law
from tests.streamlog.world import EVENT, GRACE_S, WATCH_S, World

WATCH_MS = int(WATCH_S * 1000)


@law
async def watch_keeps_a_word_that_runs_out(world: World) -> None:
    """It holds for the watch time, and its key lives no longer than it can matter."""
    job_id = await world.submit()
    await world.line.script("watch", "g1", WATCH_MS, job_id)
    until_ms = int(await world.call("HGET", world.keys.watch(job_id), "g1"))
    assert 0 <= await world.now_ms() + WATCH_MS - until_ms < 2000
    assert WATCH_MS + GRACE_S * 1000 < await world.call("PTTL", world.keys.watch(job_id)) <= 90_000


@law
async def watch_speaks_for_many_jobs_and_only_for_those_alive(world: World) -> None:
    """One call covers all; a job that has ended or is gone gets no key."""
    queued = await world.submit()
    await world.call("ZREM", world.keys.queue, queued)
    ended, writer = await world.running()
    await writer.write([EVENT], mark="done")
    running, _ = await world.running()
    await world.line.script("watch", "g1", WATCH_MS, queued, ended.job_id, "job_unknown", running.job_id)
    watched = await world.call("KEYS", world.keys.watch("*"))
    assert sorted(key.decode() for key in watched) == sorted(map(world.keys.watch, (queued, running.job_id)))


@law
async def leave_takes_back_one_gateways_word(world: World) -> None:
    """The others' stand."""
    job_id = await world.submit(gateway="g1")
    await world.line.script("watch", "g2", WATCH_MS, job_id)
    await world.line.script("leave", "g1", job_id)
    assert await world.call("HKEYS", world.keys.watch(job_id)) == [b"g2"]


@law
async def leave_brings_the_sweeps_look_forward(world: World) -> None:
    """A queued attached job is looked at when its grace is over, and never later than before."""
    job_id = await world.submit(gateway="g1")
    await world.line.script("leave", "g1", job_id)
    look_ms = float(await world.call("ZSCORE", world.keys.checks, job_id))
    assert 0 <= await world.now_ms() + GRACE_S * 1000 - look_ms < 2000
    await world.call("ZADD", world.keys.checks, 5, job_id)
    await world.line.script("leave", "g2", job_id)
    assert await world.call("ZSCORE", world.keys.checks, job_id) == b"5"


@law
async def leave_of_an_ended_job_bears_nothing(world: World) -> None:
    """A subscriber that leaves after the ending, or after the job expired, brings no key back."""
    claim, writer = await world.running(gateway="g1")
    await writer.write([EVENT], mark="done")
    before = await world.call("HGETALL", world.keys.record(claim.job_id))
    await world.line.script("leave", "g1", claim.job_id)
    assert await world.call("HGETALL", world.keys.record(claim.job_id)) == before
    assert await world.call("ZCARD", world.keys.checks) == 0
    await world.line.script("leave", "g1", "job_unknown")
    assert await world.call("EXISTS", world.keys.record("job_unknown")) == 0
