"""The hub: one subscription a channel, whoever listens; and who may have missed something is told."""

import asyncio

import pytest

from streamlog.frames import Chunk
from streamlog.hub import BUFFER_BYTES, Hub, Listener
from tests.streamlog.following import message, subscribed
from tests.streamlog.world import World
from tests.support.facts import true
from tests.support.valkey import Valkey

CHUNK = Chunk(7, 1, 1, "", 5, b"", b"data: x\n\n")


async def _publish(world: World, job_id: str, chunk: Chunk = CHUNK) -> None:
    await world.call("PUBLISH", world.keys.channel(job_id), message(chunk))


async def _heard(listener: Listener) -> Chunk:
    async with asyncio.timeout(5):
        while not listener.chunks:
            listener.wake.clear()
            await listener.wake.wait()
    return listener.take()


async def _stale(listener: Listener, reason: str) -> None:
    async def told() -> bool:
        return listener.reason == reason

    await true(told)
    listener.reason = None


async def test_a_confirmed_subscription_makes_its_listener_look(world: World) -> None:
    """What was published before the confirmation was missed."""
    listener = world.hub.listen("job_1")
    assert listener.reason is None
    await _stale(listener, "resubscribe")


async def test_a_published_chunk_reaches_every_listener_of_its_job(world: World) -> None:
    """Over one subscription."""
    listeners = [world.hub.listen("job_1") for _ in range(3)]
    other = world.hub.listen("job_2")
    for listener in (*listeners, other):
        await _stale(listener, "resubscribe")
    await _publish(world, "job_1")
    assert [await _heard(listener) for listener in listeners] == [CHUNK] * 3
    assert not other.chunks
    await subscribed(world, "job_1")


async def test_a_further_listener_costs_nothing(world: World) -> None:
    """It is not subscribed again, so nobody has to look because of it."""
    first = world.hub.listen("job_1")
    await _stale(first, "resubscribe")
    second = world.hub.listen("job_1")
    await asyncio.sleep(0)
    await _publish(world, "job_1")
    assert [await _heard(listener) for listener in (first, second)] == [CHUNK] * 2
    assert [first.reason, second.reason] == [None, None]


async def test_the_last_listener_takes_the_subscription_along(world: World) -> None:
    """While one stays, it hears; whoever comes back is subscribed anew."""
    first, second = world.hub.listen("job_1"), world.hub.listen("job_1")
    await _stale(second, "resubscribe")
    world.hub.unlisten("job_1", first)
    await _publish(world, "job_1")
    assert await _heard(second) == CHUNK
    assert not first.chunks
    world.hub.unlisten("job_1", second)
    world.hub.unlisten("job_1", second)
    await subscribed(world, "job_1", 0)
    await _stale(world.hub.listen("job_1"), "resubscribe")


async def test_leaving_and_coming_back_in_one_turn_stays_subscribed(world: World) -> None:
    """The last word counts, and the newcomer is told to look."""
    await _stale(first := world.hub.listen("job_1"), "resubscribe")
    world.hub.unlisten("job_1", first)
    second = world.hub.listen("job_1")
    await _stale(second, "resubscribe")
    await _publish(world, "job_1")
    assert await _heard(second) == CHUNK


async def test_after_a_lost_connection_everybody_is_subscribed_and_told(world: World) -> None:
    """Redis forgets subscriptions; whoever listens is subscribed again and must look."""
    listeners = [world.hub.listen(f"job_{number}") for number in range(5)]
    for listener in listeners:
        await _stale(listener, "resubscribe")
    await world.call("CLIENT", "KILL", "TYPE", "pubsub")
    for listener in listeners:
        await _stale(listener, "resubscribe")
    await _publish(world, "job_3")
    assert await _heard(listeners[3]) == CHUNK


async def test_a_lost_connection_wakes_who_waits(private: Valkey) -> None:
    """A follower then waits in shorter turns, so it must begin anew."""
    async with World(private.url) as world:
        listener = world.hub.listen("job_1")
        await _stale(listener, "resubscribe")
        listener.wake.clear()
        private.kill()
        await asyncio.wait_for(listener.wake.wait(), 5)
        assert listener.reason is None


async def test_a_server_that_says_nothing_is_given_up(private: Valkey) -> None:
    """Without even a PONG the connection is dead, and nobody relies on it any longer."""
    async with World(private.url, timeout_s=0.3) as world:
        await true(lambda: _connected(world.hub))
        listener = world.hub.listen("job_1")
        await _stale(listener, "resubscribe")
        private.freeze()
        await true(lambda: _disconnected(world.hub), within_s=5)
        private.thaw()
        await _stale(listener, "resubscribe")


async def _connected(hub: Hub) -> bool:
    return hub.connected


async def _disconnected(hub: Hub) -> bool:
    return not hub.connected


async def test_a_silent_channel_keeps_its_connection(valkey: Valkey) -> None:
    """A PONG is enough to know that the link lives."""
    async with World(valkey.url, timeout_s=0.4) as world:
        listener = world.hub.listen("job_1")
        await _stale(listener, "resubscribe")
        before = world.hub._heard
        loop = asyncio.get_running_loop()

        async def outlived() -> bool:
            return world.hub._heard - before > 1.2 and loop.time() - world.hub._heard < 0.4

        await true(outlived)
        assert listener.reason is None


async def test_without_pubsub_there_is_no_connection(valkey: Valkey) -> None:
    """Listening is harmless, and hears nothing."""
    async with World(valkey.url, pubsub=False) as world:
        listener = world.hub.listen("job_1")
        await _publish(world, "job_1")
        assert await world.call("PUBSUB", "NUMSUB", world.keys.channel("job_1")) == [world.keys.channel("job_1"), 0]
        assert (listener.reason, len(listener.chunks)) == (None, 0)
        world.hub.unlisten("job_1", listener)


@pytest.mark.parametrize("message", [b"", b"no chunk", b"1 2 3 - x 0\n"])
async def test_a_message_that_is_no_chunk_makes_listeners_look(world: World, message: bytes) -> None:
    """The log knows better."""
    listener = world.hub.listen("job_1")
    await _stale(listener, "resubscribe")
    await world.call("PUBLISH", world.keys.channel("job_1"), message)
    await _stale(listener, "gap")


def test_a_listener_keeps_no_more_than_its_buffer() -> None:
    """The chunk that would be too much empties the buffer and marks it stale; then it fills anew."""
    listener = Listener()
    half = Chunk(7, 1, 1, "", 5, b"", b"x" * (BUFFER_BYTES // 2))
    listener.offer(half)
    listener.offer(half)
    assert (listener.reason, len(listener.chunks)) == (None, 2)
    listener.offer(CHUNK)
    assert (listener.reason, len(listener.chunks)) == ("overflow", 0)
    listener.reason = None
    listener.offer(half)
    listener.take()
    listener.offer(half)
    listener.offer(half)
    assert (listener.reason, len(listener.chunks)) == (None, 2)
    assert listener.wake.is_set()
