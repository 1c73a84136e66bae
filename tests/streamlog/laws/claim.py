"""The laws of claim: the oldest jobs go to one worker, under an attempt that nobody has had."""

from dataclasses import replace
from typing import Any

from streamlog.claims import BODY_BROUGHT_BYTES
from streamlog.jobs import Request
from tests.streamlog.laws.book import law, law_of_real_servers
from tests.streamlog.world import LEASE_S, REQUEST, World


@law
async def claim_takes_the_oldest_first(world: World) -> None:
    """Jobs are claimed in the order of their submits."""
    submitted = [await world.submit() for _ in range(3)]
    first = await world.claims().claim(2)
    second = await world.claims().claim(2)
    assert [claim.job_id for claim in first + second] == submitted


@law
async def claim_takes_at_most_eight(world: World) -> None:
    """However many are asked for, a claim moves eight; the script itself says so."""
    for _ in range(10):
        await world.submit()
    rows = await world.line.script("claim", "worker", 100, 5000, 0, "", "state")
    assert len(rows) == 8
    assert await world.call("ZCARD", world.keys.queue) == 2


@law
async def claim_of_none_takes_none(world: World) -> None:
    """A worker without a free slot that asks all the same gets nothing."""
    await world.submit()
    assert await world.claims().claim(0) == []
    assert await world.call("ZCARD", world.keys.queue) == 1


@law
async def claim_moves_ids_from_the_queue_to_the_leases(world: World) -> None:
    """A claimed job waits for nobody and has one lease, one lease long."""
    claim, _ = await world.running()
    for key in (world.keys.queue, world.keys.checks):
        assert await world.call("ZCARD", key) == 0
    lease_end_ms = float(await world.call("ZSCORE", world.keys.leases, claim.job_id))
    assert 0 <= await world.now_ms() + LEASE_S * 1000 - lease_end_ms < 2000
    assert await world.state(claim.job_id) == "running"


@law
async def each_claim_is_a_new_attempt(world: World) -> None:
    """An attempt is higher than all before it, so none is used twice."""
    job_id = await world.submit()
    attempts = [(await world.record(job_id)).last.attempt]
    for _ in range(3):
        claim = await world.claim()
        record = await world.record(job_id)
        assert record.last == (claim.attempt, 0)
        attempts.append(claim.attempt)
        await world.claims().release(job_id, claim.attempt, give_back=True)
        attempts.append((await world.record(job_id)).last.attempt)
    assert attempts == sorted(set(attempts))


@law
async def attempts_rise_though_the_clock_stands_back(world: World) -> None:
    """A record from a Redis whose clock was ahead is followed by the next number."""
    job_id = await world.submit()
    ahead = await world.now_ms() + 3_600_000
    await world.call("HSET", world.keys.record(job_id), "attempt", ahead)
    assert (await world.claim()).attempt == ahead + 1


@law
async def attempts_rise_though_redis_lost_its_tail(world: World) -> None:
    """A record from before the lost tail does not bring an attempt back: time has passed since."""
    before_ms = await world.now_ms()
    job_id = await world.submit()
    await world.call("HSET", world.keys.record(job_id), "attempt", 1)
    assert (await world.claim()).attempt >= before_ms


@law
async def claim_brings_what_is_needed_to_begin(world: World) -> None:
    """The call, its body and arq's job come along, and how long the client's head is still held."""
    job_id = await world.submit(hold_s=4)
    await world.pass_time(job_id, 1.5)
    claim = await world.claim()
    record = await world.record(job_id)
    assert Request.read(claim.call_values, claim.body or b"") == REQUEST
    assert (claim.request_id, claim.model) == (record.request_id, REQUEST.model)
    assert claim.arq_job == await world.call("GET", world.keys.arq_job(job_id))
    assert 1.5 < claim.hold_left_s <= 2.5
    assert 1.5 <= claim.queue_wait_s < 2.5


@law
async def claim_leaves_a_large_body_behind(world: World) -> None:
    """A body beyond the limit is fetched apart, so that a claim never blocks Redis for long."""
    largest = replace(REQUEST, body=b"x" * BODY_BROUGHT_BYTES)
    beyond = replace(REQUEST, body=b"x" * (BODY_BROUGHT_BYTES + 1))
    for request in (largest, beyond):
        await world.submit(request)
    brought, left = await world.claims().claim(2)
    assert (brought.body, left.body) == (largest.body, None)
    assert await world.log.body(left.job_id) == beyond.body


@law
async def claim_rings_again_if_more_wait(world: World) -> None:
    """A burst spreads over workers: who leaves jobs behind wakes the next."""
    for _ in range(2):
        await world.submit()
    await world.call("DEL", world.keys.bell)
    await world.claims().claim(1)
    assert await world.call("LLEN", world.keys.bell) == 1


@law
async def an_empty_queue_wakes_nobody(world: World) -> None:
    """Tokens of jobs that others have claimed, or that were cancelled while they waited, are gone with the last job."""
    for _ in range(3):
        await world.submit()
    await world.claims().claim(2)
    assert await world.call("LLEN", world.keys.bell) == 4
    await world.claims().claim(1)
    assert await world.call("LLEN", world.keys.bell) == 0
    cancelled = await world.submit()
    await world.log.end(cancelled, None, "cancelled", "cancelled")
    assert await world.call("LLEN", world.keys.bell) == 0


@law
async def claim_skips_ids_whose_record_is_gone(world: World) -> None:
    """An id without a record leaves the queue and gets neither lease nor record."""
    gone, there = await world.submit(), await world.submit()
    await world.call("DEL", world.keys.record(gone))
    assert [claim.job_id for claim in await world.claims().claim(2)] == [there]
    assert await world.call("ZCARD", world.keys.queue) == 0
    assert await world.call("ZRANGE", world.keys.leases, 0, -1) == [there.encode()]
    assert await world.call("EXISTS", world.keys.record(gone)) == 0


@law_of_real_servers("fakeredis has no INFO commandstats, so the commands of a claim cannot be counted there")
async def the_cost_of_a_claim_does_not_depend_on_what_is_in_flight(world: World) -> None:
    """It runs the same commands with 1,000 leases as with none."""
    await world.submit()
    alone = await _commands_of_a_claim(world)
    for number in range(1000):
        world.line.command("ZADD", world.keys.leases, 10**15, f"job_{number}")
    await world.submit()
    assert await _commands_of_a_claim(world) == alone


async def _commands_of_a_claim(world: World) -> dict[str, int]:
    before = await _calls(world)
    await world.claim()
    after = await _calls(world)
    return {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}


async def _calls(world: World) -> dict[str, int]:
    stats: Any = await world.call("INFO", "commandstats")
    lines = [line.partition(":") for line in stats.decode().splitlines() if line.startswith("cmdstat_")]
    return {name: int(figures.split(",")[0].removeprefix("calls=")) for name, _, figures in lines}
