"""The laws of an owner's limits: what is beyond them is refused with a true wait, and what was not used comes back."""

from dataclasses import replace

import pytest

from streamlog.errors import ClientError
from streamlog.jobs import Quota, Request, Sameness
from streamlog.keys import Lane
from tests.streamlog.laws.book import law
from tests.streamlog.world import EVENT, World

HEAVY = Request("POST", "/v1/messages", {}, b"x" * 400, "claude", True)  # an estimate of 100 tokens
LARGE = replace(HEAVY, body=b"x" * 4000)


async def _refused(world: World, quota: Quota, lane: Lane = Lane.WORK) -> ClientError:
    with pytest.raises(ClientError) as refused:
        await world.submit(HEAVY, quota=quota, lane=lane)
    return refused.value


async def _charged(world: World, job_id: str, per_minute: int, owner: str = "owner") -> float:
    """Tokens of the budget since this job, which found it full; exact while it has not filled again."""
    full_us = int(await world.call("HGET", world.keys.budget(owner), "tokens"))
    return (full_us - (await world.record(job_id)).created_us) * per_minute / 60e6


async def _wait(world: World, seconds: float) -> None:
    for budget in ("requests", "tokens"):
        if await world.call("HEXISTS", world.keys.budget("owner"), budget):
            await world.call("HINCRBY", world.keys.budget("owner"), budget, -int(seconds * 1e6))


@law
async def a_minute_brings_as_many_requests_as_it_says(world: World) -> None:
    """All at once if one likes; the next is refused, leaves nothing, and its wait is true."""
    quota = Quota(requests_a_minute=3)
    for _ in range(3):
        await world.submit(HEAVY, quota=quota)
    refused = await _refused(world, quota)
    assert (refused.code, refused.retry_after_s) == ("requests_limited", 20)
    assert await world.call("ZCARD", world.keys.queue) == 3
    assert len(await world.call("KEYS", world.keys.body("*"))) == 3
    await _wait(world, 19)
    assert (await _refused(world, quota)).retry_after_s == 1
    await _wait(world, 1)
    await world.submit(HEAVY, quota=quota)


@law
async def one_owners_limit_is_not_anothers(world: World) -> None:
    """Whoever has used up his own hinders nobody."""
    quota = Quota(1, 1000, 1)
    await world.submit(HEAVY, quota=quota)
    await _refused(world, quota)
    await world.submit(HEAVY, quota=quota, owner="another")


@law
async def a_budget_expires_when_it_is_full_again(world: World) -> None:
    """Nothing is kept of an owner who went away."""
    await world.submit(HEAVY, quota=Quota(requests_a_minute=2, tokens_a_minute=1000))
    assert 25_000 < await world.call("PTTL", world.keys.budget("owner")) <= 30_000


@law
async def a_debt_is_never_longer_than_a_day(world: World) -> None:
    """Whatever an upstream says that it has used."""
    _, writer = await world.running(quota=Quota(tokens_a_minute=1))
    await writer.write([EVENT], mark="done", fields=["used", "999999999", "used_final", "1"])
    assert 86_000_000 < await world.call("PTTL", world.keys.budget("owner")) <= 86_400_000
    assert 86_000 < ((await _refused(world, Quota(tokens_a_minute=1))).retry_after_s or 0) <= 86_400


@law
async def a_job_is_charged_an_estimate_until_it_ends(world: World) -> None:
    """A quarter of its bytes, but at most a tenth of the minute: an image is not its bytes."""
    job_id = await world.submit(HEAVY, quota=Quota(tokens_a_minute=10_000))
    assert await _charged(world, job_id, 10_000) == pytest.approx(100)
    job_id = await world.submit(HEAVY, quota=Quota(tokens_a_minute=500), owner="small")
    assert await _charged(world, job_id, 500, "small") == pytest.approx(50)


@law
async def an_ended_job_has_cost_what_was_used(world: World) -> None:
    """As the upstream told it, more or less than the estimate."""
    claim, writer = await world.running(LARGE, quota=Quota(tokens_a_minute=6000))
    await writer.write([EVENT], fields=["used", "1"])
    await writer.write([EVENT], mark="done", fields=["used", "2000", "used_final", "1"])
    _, writer = await world.running(LARGE, quota=Quota(tokens_a_minute=6000))
    await writer.write([EVENT], mark="done", fields=["used", "3", "used_final", "1"])
    assert await _charged(world, claim.job_id, 6000) == pytest.approx(2003)


@law
async def a_job_that_used_nothing_costs_nothing(world: World) -> None:
    """Cancelled in the queue, or refused by the upstream."""
    job_id = await world.submit(LARGE, quota=Quota(tokens_a_minute=6000))
    await world.log.end(job_id, None, "cancelled", "cancelled")
    assert await _charged(world, job_id, 6000) == pytest.approx(0)


@law
async def a_job_that_breaks_off_has_cost_what_is_known(world: World) -> None:
    """What was reported at its beginning, and a token for each frame."""
    claim, writer = await world.running(LARGE, quota=Quota(tokens_a_minute=6000))
    await writer.write([EVENT] * 4, fields=["used", "500"])
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    assert await _charged(world, claim.job_id, 6000) == pytest.approx(504)


@law
async def an_empty_token_budget_refuses_with_a_true_wait(world: World) -> None:
    """One call may overdraw it; then it has to fill again."""
    quota = Quota(tokens_a_minute=600)
    _, writer = await world.running(quota=quota)
    await writer.write([EVENT], mark="done", fields=["used", "700", "used_final", "1"])
    refused = await _refused(world, quota)
    assert (refused.code, refused.retry_after_s) == ("tokens_limited", 11)
    await _wait(world, 10.2)
    await world.submit(HEAVY, quota=quota)


@law
async def an_owner_has_so_many_jobs_at_once(world: World) -> None:
    """Waiting or running; an ending of any kind makes room, and the refusal charges nothing."""
    quota = Quota(requests_a_minute=100, streams_at_once=2)
    claim, writer = await world.running(quota=quota)
    waiting = await world.submit(HEAVY, quota=quota)
    refused = await _refused(world, quota)
    assert (refused.code, refused.retry_after_s) == ("streams_limited", 1)
    assert "2 jobs" in refused.message
    await writer.write([EVENT], mark="done")
    assert claim.job_id.encode() not in await world.call("ZRANGE", world.keys.live("owner"), 0, -1)
    await world.submit(HEAVY, quota=quota)
    await world.log.end(waiting, None, "cancelled", "cancelled")
    await world.submit(HEAVY, quota=quota)
    assert (await _refused(world, quota)).code == "streams_limited"


@law
async def a_job_that_redis_forgot_does_not_count(world: World) -> None:
    """Its record went with the tail of a log: nobody will ever end it."""
    job_id = await world.submit(HEAVY, quota=Quota(streams_at_once=1))
    await world.call("DEL", world.keys.record(job_id))
    await world.submit(HEAVY, quota=Quota(streams_at_once=1))


@law
async def what_counts_jobs_at_once_lives_as_long_as_they(world: World) -> None:
    """And not for ever."""
    job_id = await world.submit(HEAVY, quota=Quota(streams_at_once=5))
    life_ms = await world.call("PTTL", world.keys.record(job_id))
    assert 0 < await world.call("PTTL", world.keys.live("owner")) <= life_ms + 1000


@law
async def whoever_joins_uses_nothing_up(world: World) -> None:
    """A client that lost its answer gets it, although it has no more to spend."""
    quota, same = Quota(1, 1000, 1), Sameness("print", "key")
    first = await world.submit(HEAVY, quota=quota, sameness=same)
    assert await world.submit(HEAVY, quota=quota, sameness=same) == first


@law
async def a_light_call_is_a_request_and_nothing_more(world: World) -> None:
    """It generates no tokens, and holds no stream."""
    quota = Quota(2, 10, 1)
    for _ in range(2):
        await world.submit(HEAVY, quota=quota, lane=Lane.LIGHT)
    assert (await _refused(world, quota, lane=Lane.LIGHT)).code == "requests_limited"
    assert not await world.call("EXISTS", world.keys.live("owner"))
    assert not await world.call("HEXISTS", world.keys.budget("owner"), "tokens")
