"""The laws of lanes: what waits in one does not stand in the way of the other."""

from streamlog.keys import Lane
from streamlog.log import StreamLog
from streamlog.settings import JobSettings
from tests.streamlog.laws.book import law
from tests.streamlog.world import REQUEST, World


@law
async def each_lane_has_its_own_queue_and_bell(world: World) -> None:
    """A claim takes from the lane that it names, and from no other."""
    work = await world.submit()
    light = await world.submit(lane=Lane.LIGHT)
    for lane in Lane:
        assert await world.call("LLEN", world.keys.bell + lane) == 1
    claims = world.claims()
    assert [claim.job_id for claim in await claims.claim(8, Lane.LIGHT)] == [light]
    assert [claim.job_id for claim in await claims.claim(8, Lane.WORK)] == [work]


@law
async def a_full_lane_does_not_fill_the_other(world: World) -> None:
    """Neither by jobs nor by bytes."""
    log = StreamLog(world.line, world.keys, JobSettings(queue_jobs=1))
    await world.submit(log=log)
    await world.submit(log=log, lane=Lane.LIGHT)
    assert int(await world.call("GET", world.keys.queued_bytes + Lane.LIGHT)) == len(REQUEST.body)
    await world.claims().claim(8, Lane.LIGHT)
    assert await world.call("GET", world.keys.queued_bytes + Lane.LIGHT) is None
    assert int(await world.call("GET", world.keys.queued_bytes)) == len(REQUEST.body)


@law
async def a_light_job_returns_to_its_lane(world: World) -> None:
    """Given back, or swept: a worker of that lane is woken for it."""
    await world.submit(lane=Lane.LIGHT)
    (claim,) = await world.claims().claim(8, Lane.LIGHT)
    await world.call("DEL", world.keys.bell + Lane.LIGHT)
    await world.claims().release(claim.job_id, claim.attempt, give_back=True)
    assert await world.call("LLEN", world.keys.bell + Lane.LIGHT) == 1
    assert [again.job_id for again in await world.claims().claim(8, Lane.LIGHT)] == [claim.job_id]


@law
async def sweep_rings_in_both_lanes(world: World) -> None:
    """A lost token is replaced in the lane that it was lost from."""
    for lane in Lane:
        await world.submit(lane=lane)
        await world.call("DEL", world.keys.bell + lane)
    await world.claims().sweep()
    for lane in Lane:
        assert await world.call("LLEN", world.keys.bell + lane) == 1


@law
async def the_fleets_figures_count_both_lanes(world: World) -> None:
    """What waits, and for how long the oldest has waited."""
    assert (await world.log.fleet()).oldest_s == 0
    await world.submit()
    light = await world.submit(lane=Lane.LIGHT)
    await world.call("ZADD", world.keys.queue + Lane.LIGHT, (await world.now_ms() - 60_000) * 1000, light)
    fleet = await world.log.fleet()
    assert fleet.queued == 2
    assert 59 < fleet.oldest_s < 62
