"""The laws of submit: a job is queued whole and once, or not at all."""

import asyncio
import json
from dataclasses import replace

import pytest

from streamlog.errors import InternalError
from streamlog.log import StreamLog
from streamlog.settings import JobSettings
from tests.streamlog.laws.book import law
from tests.streamlog.lines import Forgetting, Stuttering
from tests.streamlog.world import GRACE_S, QUEUE_WAIT_S, REQUEST, WATCH_S, World


async def _queue_is_empty(world: World) -> bool:
    keys = world.keys
    counts = [await world.call("ZCARD", key) for key in (keys.queue, keys.checks, keys.leases)]
    return counts == [0, 0, 0] and await world.call("LLEN", keys.bell) == 0


@law
async def submit_keeps_what_was_asked(world: World) -> None:
    """Record, body and arq's job hold the request as it came."""
    job_id = await world.submit(gateway="g1")
    record = await world.record(job_id)
    assert (record.method, record.path, record.headers) == (REQUEST.method, REQUEST.path, REQUEST.headers)
    assert (record.state, record.attached, record.stream, record.model) == ("queued", True, True, "claude")
    assert (record.owner, record.request_id, record.last.number) == ("owner", "req_1", 0)
    assert await world.log.body(job_id) == REQUEST.body
    assert json.loads(await world.call("GET", world.keys.arq_job(job_id)))["a"] == [job_id]
    assert await world.log.queue_position(job_id) == 0


@law
async def submit_is_idempotent_under_resend(world: World) -> None:
    """The same submit sent twice is one job, and answers the same time."""
    log = StreamLog(Stuttering(world.line), world.keys, JobSettings())
    job_id = await world.submit(log=log)
    assert await world.call("ZCARD", world.keys.queue) == 1
    assert int(await world.call("GET", world.keys.queued_bytes)) == len(REQUEST.body)
    assert await world.call("LLEN", world.keys.bell) == 1
    assert (await world.claim()).job_id == job_id


@law
async def a_resent_submit_does_not_disturb_a_claimed_job(world: World) -> None:
    """A resend that arrives after the claim leaves the job with its worker."""
    line = Stuttering(world.line, between=world.claims().claim)
    job_id = await world.submit(log=StreamLog(line, world.keys, JobSettings()))
    assert await world.state(job_id) == "running"
    assert await world.call("ZCARD", world.keys.queue) == 0


@law
async def submit_refuses_beyond_the_job_bound(world: World) -> None:
    """A full queue takes no more jobs, says how many it holds, and keeps nothing of the refused one."""
    log = StreamLog(world.line, world.keys, JobSettings(queue_jobs=2))
    kept = [await world.submit(log=log) for _ in range(2)]
    with pytest.raises(InternalError, match="holds 2 jobs, its limit is 2") as refusal:
        await world.submit(log=log)
    assert refusal.value.code == "queue_full"
    await _only_these_are_kept(world, kept)


@law
async def submit_refuses_beyond_the_byte_bound(world: World) -> None:
    """A queue full of bytes takes no more, says how many it holds, and keeps nothing of the refused one."""
    log = StreamLog(world.line, world.keys, JobSettings(queue_bytes=1 << 20))
    half = replace(REQUEST, body=b"x" * (1 << 19))
    kept = [await world.submit(half, log=log) for _ in range(2)]
    with pytest.raises(InternalError, match="holds 1048576 bytes, its limit is 1048576") as refusal:
        await world.submit(log=log)
    assert refusal.value.code == "queue_full"
    await _only_these_are_kept(world, kept)


async def _only_these_are_kept(world: World, job_ids: list[str]) -> None:
    assert [job.decode() for job in await world.call("ZRANGE", world.keys.queue, 0, -1)] == job_ids
    for key in (world.keys.body, world.keys.record):
        kept = await world.call("KEYS", key("*"))
        assert sorted(name.decode() for name in kept) == sorted(key(job_id) for job_id in job_ids)


@law
async def submit_fails_when_the_body_is_missing(world: World) -> None:
    """Without its body a job is neither recorded nor queued."""
    log = StreamLog(Forgetting(world.line, "SET"), world.keys, JobSettings())
    with pytest.raises(InternalError) as refusal:
        await world.submit(log=log)
    assert refusal.value.code == "request_lost"
    assert await _queue_is_empty(world)
    assert await world.call("KEYS", world.keys.record("*")) == []


@law
async def submit_rings_the_bell_never_above_64(world: World) -> None:
    """Each submit rings once, and the bell does not grow beyond 64 tokens."""
    await world.submit()
    assert await world.call("LLEN", world.keys.bell) == 1
    await asyncio.gather(*(world.submit() for _ in range(70)))
    assert await world.call("LLEN", world.keys.bell) == 64


@law
async def queued_bytes_go_back_to_zero(world: World) -> None:
    """They count the bodies that wait, whichever way a job leaves the queue, and nothing is left over."""
    cancelled, *_ = [await world.submit() for _ in range(3)]
    assert int(await world.call("GET", world.keys.queued_bytes)) == 3 * len(REQUEST.body)
    await world.log.end(cancelled, None, "cancelled", "cancelled")
    assert int(await world.call("GET", world.keys.queued_bytes)) == 2 * len(REQUEST.body)
    (claim,) = await world.claims().claim(1)
    assert int(await world.call("GET", world.keys.queued_bytes)) == len(REQUEST.body)
    await world.claims().claim(1)
    assert await world.call("GET", world.keys.queued_bytes) is None
    await world.claims().release(claim.job_id, claim.attempt, give_back=True)
    assert int(await world.call("GET", world.keys.queued_bytes)) == len(REQUEST.body)


@law
async def a_queued_job_lives_as_long_as_it_could_take(world: World) -> None:
    """Record, body and arq's job live for queue wait, three runs and retention."""
    job_id = await world.submit(queue_wait_s=60, run_limit_s=100, keep_s=30)
    keys = world.keys
    for key in (keys.record(job_id), keys.body(job_id), keys.arq_job(job_id)):
        assert 385_000 < await world.call("PTTL", key) <= 390_000


@law
async def submit_tells_the_sweep_when_to_look(world: World) -> None:
    """An attached job is looked at when nobody may be listening any more, a detached one at its deadline."""
    attached = await world.submit(gateway="g1")
    detached = await world.submit()
    now_ms = await world.now_ms()
    for job_id, wait_s in ((attached, WATCH_S + GRACE_S), (detached, QUEUE_WAIT_S)):
        look_ms = float(await world.call("ZSCORE", world.keys.checks, job_id))
        assert 0 <= now_ms + wait_s * 1000 - look_ms < 2000
