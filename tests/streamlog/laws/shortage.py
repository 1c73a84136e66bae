"""The laws of a full Redis: it may refuse new work, and must not keep a stream from its ending."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ResponseError

from tests.streamlog.laws.book import law_of_real_servers
from tests.streamlog.world import EVENT, QUEUE_WAIT_S, World

LACKS = "fakeredis has no maxmemory, so it is never full"


@asynccontextmanager
async def _full(world: World) -> AsyncIterator[None]:
    """A Redis without a byte to spare; what must get through and does not is a broken law."""
    await world.call("CONFIG", "SET", "maxmemory", 1)
    try:
        yield
    except ResponseError as error:
        raise AssertionError("a full Redis refused what must get through") from error
    finally:
        await world.call("CONFIG", "SET", "maxmemory", 0)


@law_of_real_servers(LACKS)
async def a_full_redis_takes_no_job_and_keeps_nothing_of_it(world: World) -> None:
    """A submit is refused by an error, whole."""
    async with _full(world):
        with pytest.raises(ResponseError, match="OOM"):
            await world.submit()
    assert await world.call("KEYS", world.keys.prefix + "*") == []


@law_of_real_servers(LACKS)
async def a_full_redis_lets_a_cancel_through(world: World) -> None:
    """Whoever asks for an ending gets it, frame and all, from the queue and from a worker."""
    claim, writer = await world.running()
    await writer.write([EVENT])
    queued = await world.submit()
    async with _full(world):
        for job_id in (queued, claim.job_id):
            assert await world.log.end(job_id, None, "cancelled", "cancelled") is not None
    for job_id in (queued, claim.job_id):
        assert b'"error_code":"cancelled"' in await world.frames(job_id)


@law_of_real_servers(LACKS)
async def a_full_redis_lets_the_sweep_through(world: World) -> None:
    """Lost jobs go back to the queue or end by name, and those that waited too long end."""
    (lost, _), (ended, writer) = await world.running(), await world.running()
    await writer.write([EVENT])
    late = await world.submit()
    for job_id in (lost.job_id, ended.job_id):
        await world.call("ZADD", world.keys.leases, 0, job_id)
    await world.pass_time(late, QUEUE_WAIT_S + 1)
    async with _full(world):
        swept = await world.claims().sweep()
    assert swept.requeued == [lost.job_id]
    codes = {(job.job_id, job.code) for job in swept.ended}
    assert codes == {(ended.job_id, "worker_lost"), (late, "queue_timeout")}
