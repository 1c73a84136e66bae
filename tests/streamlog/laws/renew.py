"""The laws of renew: a worker keeps what is its own, and hears of what is not."""

from redis.exceptions import ResponseError

from tests.streamlog.laws.book import law
from tests.streamlog.world import GRACE_S, LEASE_S, WATCH_S, World

LONG_AGO_S = WATCH_S + GRACE_S + 1


async def _lease_left_s(world: World, job_id: str) -> float:
    score = await world.call("ZSCORE", world.keys.leases, job_id)
    assert score is not None
    return (float(score) - await world.now_ms()) / 1000


@law
async def renew_extends_what_is_ours(world: World) -> None:
    """A lease that is renewed is one lease long again."""
    claim, _ = await world.running()
    await world.pass_time(claim.job_id, 3)
    assert await world.claims().renew([(claim.job_id, claim.attempt)]) == (set(), [])
    assert LEASE_S - 2 < await _lease_left_s(world, claim.job_id) <= LEASE_S


@law
async def renew_extends_what_it_does_not_look_at(world: World) -> None:
    """Any number of leases at once, beside those that are looked at; nobody is told of them."""
    seen, *others = [(await world.running())[0] for _ in range(4)]
    for claim in (seen, *others):
        await world.pass_time(claim.job_id, 3)
    strangers = [f"job_{number:022}" for number in range(5_000)]
    unseen = [*strangers[:1_200], *(claim.job_id for claim in others), *strangers[1_200:]]
    assert await world.claims().renew([(seen.job_id, seen.attempt)], unseen) == (set(), [])
    for claim in (seen, *others):
        assert LEASE_S - 2 < await _lease_left_s(world, claim.job_id) <= LEASE_S


@law
async def renew_gives_no_lease_to_what_has_none(world: World) -> None:
    """A job that ended or waits, unseen by its worker, stays as it is."""
    claim, _ = await world.running()
    await world.running()
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    assert await world.claims().renew([], [claim.job_id]) == (set(), [])
    assert await world.call("ZSCORE", world.keys.leases, claim.job_id) is None


@law
async def renew_bears_with_leases_that_are_gone(world: World) -> None:
    """A job without a lease would be nobody's, so all are born again: of those that are looked at and of the others."""
    seen, unseen = [(await world.running())[0] for _ in range(2)]
    for spoil in (("DEL", world.keys.leases), ("SET", world.keys.leases, "not ours")):
        await world.call(*spoil)
        try:
            told = await world.claims().renew([(seen.job_id, seen.attempt)], [unseen.job_id])
        except ResponseError as error:
            raise AssertionError("not borne with") from error
        assert told == (set(), [])
        for claim in (seen, unseen):
            assert LEASE_S - 2 < await _lease_left_s(world, claim.job_id) <= LEASE_S


@law
async def renew_shortens_no_lease(world: World) -> None:
    """A job may be another worker's by now, with a longer lease."""
    claim, _ = await world.running()
    far_ms = await world.now_ms() + 600_000
    await world.call("ZADD", world.keys.leases, far_ms, claim.job_id)
    await world.claims().renew([], [claim.job_id])
    assert await _lease_left_s(world, claim.job_id) > LEASE_S + 1


@law
async def renew_says_lost_for_another_attempt(world: World) -> None:
    """A worker that was overtaken hears so, and the other's lease is left as it is."""
    stale, _ = await world.running()
    await world.claims().release(stale.job_id, stale.attempt, give_back=True)
    claim = await world.claim()
    await world.pass_time(claim.job_id, 3)
    pairs = [(stale.job_id, stale.attempt), (claim.job_id, claim.attempt + 1)]
    assert await world.claims().renew(pairs) == ({claim.job_id}, [])
    assert await _lease_left_s(world, claim.job_id) <= LEASE_S - 3


@law
async def renew_says_lost_for_an_ended_job(world: World) -> None:
    """A job that was cancelled gets no lease again."""
    claim, _ = await world.running()
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    ended = (await world.record(claim.job_id)).last
    for attempt in (claim.attempt, ended.attempt):
        assert await world.claims().renew([(claim.job_id, attempt)]) == ({claim.job_id}, [])
    assert await world.call("ZCARD", world.keys.leases) == 0


@law
async def renew_says_lost_for_a_job_that_waits_again(world: World) -> None:
    """A job that was put back belongs to nobody, whatever attempt is named."""
    claim, _ = await world.running()
    await world.claims().release(claim.job_id, claim.attempt, give_back=True)
    waiting = (await world.record(claim.job_id)).last
    assert await world.claims().renew([(claim.job_id, waiting.attempt)]) == ({claim.job_id}, [])
    assert await world.call("ZCARD", world.keys.leases) == 0


@law
async def renew_says_lost_for_a_job_that_is_gone(world: World) -> None:
    """A record that expired is not born again."""
    claim, _ = await world.running()
    await world.call("DEL", world.keys.record(claim.job_id))
    assert await world.claims().renew([(claim.job_id, claim.attempt)]) == ({claim.job_id}, [])
    assert await world.call("EXISTS", world.keys.record(claim.job_id)) == 0


@law
async def renew_answers_for_each_pair_by_itself(world: World) -> None:
    """A lost job among others does not shift the answers of its neighbours."""
    claims = [(await world.running())[0] for _ in range(3)]
    await world.log.end(claims[1].job_id, None, "cancelled", "cancelled")
    lost, abandoned = await world.claims().renew([(claim.job_id, claim.attempt) for claim in claims])
    assert (lost, abandoned) == ({claims[1].job_id}, [])


@law
async def renew_ends_an_attached_job_that_nobody_watched_for_its_grace(world: World) -> None:
    """It is cancelled by name, and the worker hears that it is no longer its own."""
    claim, _ = await world.running(gateway="g1")
    await world.pass_time(claim.job_id, LONG_AGO_S)
    lost, (ended,) = await world.claims().renew([(claim.job_id, claim.attempt)])
    assert lost == {claim.job_id}
    assert (ended.job_id, ended.state, ended.code, ended.model) == (claim.job_id, "cancelled", "abandoned", "claude")
    assert LONG_AGO_S <= ended.duration_s < LONG_AGO_S + 2
    assert await world.state(claim.job_id) == "cancelled"


@law
async def renew_waits_for_the_grace(world: World) -> None:
    """A gateway's word that ran out starts the grace time, and not more."""
    claim, _ = await world.running(gateway="g1")
    await world.pass_time(claim.job_id, WATCH_S + 1)
    assert await world.claims().renew([(claim.job_id, claim.attempt)]) == (set(), [])


@law
async def renew_counts_the_grace_from_the_last_leaving(world: World) -> None:
    """Long after its submit, a job whose last subscriber has just left still has its grace time."""
    claim, _ = await world.running(gateway="g1")
    pair = (claim.job_id, claim.attempt)
    await world.pass_time(claim.job_id, LONG_AGO_S)
    await world.line.script("leave", "g1", claim.job_id)
    await world.pass_time(claim.job_id, GRACE_S - 1)
    assert await world.claims().renew([pair]) == (set(), [])
    await world.pass_time(claim.job_id, 2)
    lost, abandoned = await world.claims().renew([pair])
    assert (lost, [ended.code for ended in abandoned]) == ({claim.job_id}, ["abandoned"])


@law
async def renew_lets_a_detached_job_run_on(world: World) -> None:
    """A job that lives without listeners is not ended for want of them."""
    claim, _ = await world.running()
    await world.pass_time(claim.job_id, LONG_AGO_S)
    assert await world.claims().renew([(claim.job_id, claim.attempt)]) == (set(), [])


@law
async def renew_heeds_the_word_of_a_second_gateway(world: World) -> None:
    """A job that the first gateway let go of lives on while another watches it."""
    claim, _ = await world.running(gateway="g1")
    await world.pass_time(claim.job_id, LONG_AGO_S)
    await world.line.script("watch", "g2", int(WATCH_S * 1000), claim.job_id)
    assert await world.claims().renew([(claim.job_id, claim.attempt)]) == (set(), [])
    await world.line.script("leave", "g1", claim.job_id)
    assert await world.claims().renew([(claim.job_id, claim.attempt)]) == (set(), [])
