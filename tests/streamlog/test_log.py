"""What the log tells beyond its laws: where a job stands, what the fleet does, what a deployment refuses."""

from dataclasses import replace

import pytest

from streamlog.errors import InternalError
from streamlog.log import StreamLog
from streamlog.settings import JobSettings
from tests.streamlog.world import EVENT, REQUEST, World


async def test_a_queue_position_counts_those_before(world: World) -> None:
    """The oldest has none before it; a running, an ended or an unknown job does not wait."""
    first, second, third = [await world.submit() for _ in range(3)]
    assert [await world.log.queue_position(job_id) for job_id in (first, second, third)] == [0, 1, 2]
    await world.claims().claim(1)
    assert [await world.log.queue_position(job_id) for job_id in (first, second, "job_unknown")] == [None, 0, None]


async def test_the_fleet_is_counted(world: World) -> None:
    """Queue, age of its oldest job, leases, workers that swept of late."""
    fleet = await world.log.fleet()
    assert (fleet.queued, fleet.oldest_s, fleet.leases, fleet.workers) == (0, 0.0, 0, 0)
    _, _, oldest = await world.running(), await world.running(), await world.submit()
    await world.submit()
    await world.call("ZINCRBY", world.keys.queue, -7_000_000, oldest)
    await world.claims("w1").sweep()
    fleet = await world.log.fleet()
    assert (fleet.queued, fleet.leases, fleet.workers) == (2, 2, 1)
    assert 7 <= fleet.oldest_s < 9


async def test_a_body_is_kept_byte_for_byte_until_the_end(world: World) -> None:
    """Any bytes, none included; after the ending the prompt is gone."""
    for body in (b"", b"\x00\xff\r\n", b"x" * 3_000_000):
        await world.submit(replace(REQUEST, body=body))
        claim = await world.claim()
        assert await world.log.body(claim.job_id) == body
        await world.writer(claim).write([EVENT], mark="done")
        assert await world.log.body(claim.job_id) is None


async def test_an_unknown_job_has_no_record(world: World) -> None:
    """None, and not an error."""
    assert await world.log.record("job_unknown") is None


async def test_a_refusal_for_a_full_queue_says_when_to_come_back(world: World) -> None:
    """So a client's retry is small and true."""
    log = StreamLog(world.line, world.keys, JobSettings(queue_jobs=1))
    await world.submit(log=log)
    with pytest.raises(InternalError) as refused:
        await world.submit(log=log)
    assert (refused.value.http_status, refused.value.retry_after_s) == (529, 2)
