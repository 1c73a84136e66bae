"""The bell: an idle worker sleeps on it, wakes at once, and never sleeps for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from streamlog.bell import Bell
from tests.streamlog.world import World
from tests.support.facts import true
from tests.support.valkey import Valkey

THEN = ("ECHO", "then")


@asynccontextmanager
async def _bell(world: World) -> AsyncIterator[Bell]:
    bell = Bell(world.settings, world.keys, "worker")
    await bell.start()
    try:
        yield bell
    finally:
        await bell.close()


@pytest.fixture
async def bell(world: World) -> AsyncIterator[Bell]:
    """The bell of the world's queue."""
    async with _bell(world) as bell:
        yield bell


async def _blocked(world: World, blocked: int = 1) -> None:
    """Wait until somebody sleeps on the bell, as the server sees it."""

    async def sleeping() -> bool:
        clients = await world.call("INFO", "clients")
        return b"blocked_clients:%d\r" % blocked in clients

    await true(sleeping)


async def test_a_submit_wakes_a_sleeper_at_once(world: World, bell: Bell) -> None:
    """Long before its time is up."""
    loop = asyncio.get_running_loop()
    sleeper = asyncio.create_task(bell.wait(20, THEN))
    await _blocked(world)
    began = loop.time()
    await world.submit()
    await sleeper
    assert loop.time() - began < 2
    assert await world.call("LLEN", world.keys.bell) == 0


async def test_without_a_ring_the_sleep_ends_in_time(world: World, bell: Bell) -> None:
    """Silence is no error: the worker looks into the queue all the same."""
    await asyncio.wait_for(bell.wait(0.05, THEN), 5)
    await asyncio.wait_for(bell.wait(0.05, THEN), 5)


async def test_a_lost_connection_wakes_with_an_error_and_comes_back(world: World, bell: Bell) -> None:
    """A sleeper on a dead connection does not sleep on."""
    sleeper = asyncio.create_task(bell.wait(20, THEN))
    await _blocked(world)
    bell.drop()
    with pytest.raises(RedisConnectionError):
        await sleeper
    await true(lambda: _connected(bell))
    await world.submit()
    await asyncio.wait_for(bell.wait(20, THEN), 5)


async def _connected(bell: Bell) -> bool:
    return bell.connected


async def _given_up(bell: Bell) -> bool:
    return not bell.connected


async def test_a_frozen_server_does_not_hold_a_sleeper(private: Valkey) -> None:
    """The wait has a limit of its own beyond the one that Redis keeps."""
    async with _bell(World(private.url, timeout_s=0.2)) as bell:
        await true(lambda: _connected(bell))
        private.freeze()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(bell.wait(0.1, THEN), 5)
        await true(lambda: _given_up(bell))  # else its late answer would end a later sleep
        private.thaw()


async def test_a_cancel_nudges_the_worker_that_runs_the_job(world: World, bell: Bell) -> None:
    """It wakes though nothing is queued, and is told that it was no ring."""
    claim, _ = await world.running()
    await world.call("DEL", world.keys.bell)
    sleeper = asyncio.create_task(bell.wait(20, THEN))
    await _blocked(world)
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    assert await asyncio.wait_for(sleeper, 5) == (True, b"then")
    await world.submit()
    assert await asyncio.wait_for(bell.wait(20, THEN), 5) == (False, b"then")


async def test_with_the_ring_comes_what_stands_behind_the_wait(world: World, bell: Bell) -> None:
    """A claim, carried out as the job is there, and not before: nobody has to ask for it then."""
    claims = world.claims()
    sleeper = asyncio.create_task(bell.wait(20, claims.claiming(1)))
    await _blocked(world)
    job_id = await world.submit()
    nudged, rows = await asyncio.wait_for(sleeper, 5)
    (claim,) = claims.claimed(rows)
    assert (nudged, claim.job_id) == (False, job_id)
    assert (await world.record(job_id)).state == "running"


async def test_what_redis_refuses_behind_the_wait_is_raised(world: World, bell: Bell) -> None:
    """As any call's error is."""
    with pytest.raises(ResponseError, match="unknown command"):
        await bell.wait(0.05, ("NO-SUCH-COMMAND",))
    assert await bell.wait(0.05, THEN) == (False, b"then")


async def test_forgotten_scripts_are_a_lost_connection(world: World, bell: Bell) -> None:
    """A Redis that was restarted learns them by another connection; until then there is nothing to wait for."""
    with pytest.raises(RedisConnectionError):
        await bell.wait(0.05, ("EVALSHA", "0" * 40, 0))
