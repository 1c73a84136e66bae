"""streamlog/expected.py: who listens before there is a job misses nothing of it, and what is not used is let go of."""

import asyncio

import pytest

from streamlog import expected
from streamlog.expected import Expected
from streamlog.follow import Follower
from streamlog.hub import Hub
from streamlog.settings import RedisSettings
from tests.streamlog.following import subscribed
from tests.streamlog.world import EVENT, World
from tests.support.facts import true, until
from tests.support.valkey import Valkey


async def ready(world: World) -> Expected:
    """Listening ahead, and confirmed."""
    ears = Expected(world.hub)
    await until(lambda: world.hub.connected)
    ears.take()  # with the first one it begins to listen
    await until(lambda: all(ear.listener.reason for ear in ears._ahead))
    assert len(ears._ahead) == expected._AHEAD
    return ears


async def channels(world: World) -> int:
    """How many jobs are listened to, as Redis knows."""
    return len(await world.call("PUBSUB", "CHANNELS", world.keys.channel("*")))


def follower(world: World, ears: Expected, job_id: str) -> tuple[Follower, list[str]]:
    reasons: list[str] = []
    ear = ears.listener(job_id)
    assert ear is not None
    return Follower(world.log, world.hub, job_id, fresh=True, listener=ear, on_reread=reasons.append), reasons


async def test_all_that_a_job_says_has_been_heard_without_a_look_into_its_log(world: World) -> None:
    """Even what was said before anybody followed."""
    ears = await ready(world)
    job_id = ears.take()
    assert await world.submit(job_id=job_id) == job_id
    claim = await world.claim()
    writer = world.writer(claim)
    await writer.write([EVENT])
    await writer.write([EVENT], mark="done")
    following, reasons = follower(world, ears, job_id)
    batches = []
    while not following.ended:
        batch = await following.next(5)
        assert batch is not None
        batches.append(batch)
    following.close()
    assert b"".join(batch.data for batch in batches) == await world.frames(job_id)
    assert reasons == []
    await subscribed(world, job_id, 0)


async def test_a_connection_that_was_lost_meanwhile_is_made_good_from_the_log(world: World) -> None:
    """An id that was taken before: whoever follows it later looks into the log, once it is listened to again."""
    ears = await ready(world)
    job_id = ears.take()
    await world.submit(job_id=job_id)
    writer = world.writer(await world.claim())
    losses = world.hub.losses
    # In one go: said before anybody could listen again.
    await asyncio.gather(world.call("CLIENT", "KILL", "TYPE", "pubsub"), writer.write([EVENT], mark="done"))
    await until(lambda: world.hub.losses > losses)
    await subscribed(world, job_id)
    following, reasons = follower(world, ears, job_id)
    batch = await following.next(5)
    following.close()
    assert batch is not None
    assert (batch.data, reasons) == (await world.frames(job_id), ["resubscribe"])


async def test_what_was_confirmed_on_a_connection_that_is_gone_is_not_given_away(world: World) -> None:
    """Those ids are let go of, and others are listened to."""
    ears = await ready(world)
    known = {ear.job_id for ear in ears._ahead}
    losses = world.hub.losses
    await world.call("CLIENT", "KILL", "TYPE", "pubsub")
    await until(lambda: world.hub.losses > losses)
    job_id = ears.take()
    assert job_id not in known
    assert ears.listener(job_id) is None
    await until(lambda: world.hub.connected)
    ears.take()

    async def others() -> bool:
        return await channels(world) == expected._AHEAD

    await true(others)
    assert known.isdisjoint(ear.job_id for ear in ears._ahead)


async def test_an_id_that_is_not_confirmed_is_just_new(world: World) -> None:
    """Nobody waits for a confirmation."""
    ears = Expected(world.hub)
    await until(lambda: world.hub.connected)
    ids = [ears.take() for _ in range(3)]
    assert len(set(ids)) == 3
    assert [ears.listener(job_id) for job_id in ids] == [None] * 3


async def test_an_id_that_is_dismissed_is_listened_to_no_more(world: World) -> None:
    """Nor is one whose taker never came back, when there are many of those."""
    ears = await ready(world)
    job_id = ears.take()
    await subscribed(world, job_id)
    ears.dismiss(job_id)
    ears.dismiss(job_id)
    assert ears.listener(job_id) is None
    await subscribed(world, job_id, 0)


async def test_ids_that_nobody_comes_back_for_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is given up."""
    monkeypatch.setattr(expected, "_MOST_PROMISED", 3)
    ears = await ready(world)
    ids = [ears.take() for _ in range(5)]
    await subscribed(world, ids[0], 0)
    assert [ears.listener(job_id) is None for job_id in ids] == [True, True, False, False, False]


async def test_the_supply_is_renewed_before_it_is_used_up(world: World) -> None:
    """By one command for many; nobody finds it empty who comes in the meantime."""
    ears = await ready(world)
    taken = [ears.take() for _ in range(expected._AHEAD - expected._FEWEST + 1)]
    assert all(ears.listener(job_id) is not None for job_id in taken)
    assert len(ears._ahead) == expected._AHEAD


async def test_without_pubsub_nothing_is_listened_to(world: World, valkey: Valkey) -> None:
    """Ids are new all the same."""
    hub = Hub(RedisSettings(redis_url=valkey.url, pubsub=False), world.keys)
    await hub.start()
    ears = Expected(hub)
    assert ears.take() != ears.take()
    assert not ears._ahead
    await asyncio.wait_for(hub.close(), 5)
