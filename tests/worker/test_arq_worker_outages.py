"""worker/arq_worker.py: a Redis that goes away, or freezes, and returns, costs neither the worker nor a slot."""

import asyncio

from tests.streamlog.world import World
from tests.support.facts import true, until
from tests.support.valkey import Valkey
from tests.worker.crew import working


async def test_a_redis_that_goes_away_and_returns_costs_no_slot() -> None:
    """What ran is closed, since its lease cannot be renewed; the worker goes on, with all its slots."""
    valkey = Valkey()
    world = World(valkey.url, timeout_s=0.5)
    try:
        async with world, working(world, slots=1, lease_s=0.5, bell_s=0.2, sweeps=True) as crew:
            await world.submit()
            await crew.begun(1)
            valkey.kill()
            await until(lambda: crew.jobs.over)
            assert crew.jobs.over[0][1] == "cancelled"
            valkey.start()
            await until(lambda: world.line.connected)
            await world.submit()
            runs = await crew.begun(2)
            crew.jobs.finish(runs[1])
            await until(lambda: (runs[1].claim.attempt, "returned") in crew.jobs.over)
    finally:
        valkey.close()


async def test_a_redis_that_goes_away_while_the_worker_is_idle_is_waited_for() -> None:
    """The next job starts once it is back."""
    valkey = Valkey()
    world = World(valkey.url, timeout_s=0.5)
    try:
        async with world, working(world, bell_s=0.2) as crew:
            await until(lambda: crew.bell.connected)
            valkey.kill()
            await until(lambda: not crew.bell.connected)
            valkey.start()
            await until(lambda: world.line.connected)
            await world.submit()
            await crew.begun(1)
    finally:
        valkey.close()


async def test_a_frozen_redis_does_not_hang_the_worker() -> None:
    """It answers nothing for longer than the timeout, then goes on as if nothing had been."""
    valkey = Valkey()
    world = World(valkey.url, timeout_s=0.3)
    try:
        async with world, working(world, slots=1, lease_s=0.5, bell_s=0.2) as crew:
            await world.submit()
            await crew.begun(1)
            valkey.freeze()
            await until(lambda: crew.jobs.over)
            valkey.thaw()
            await true(lambda: _submitted(world))
            await crew.begun(2)
    finally:
        valkey.thaw()
        valkey.close()


async def _submitted(world: World) -> bool:
    try:
        await asyncio.wait_for(world.submit(), 1)
    except (OSError, TimeoutError):
        return False
    return True
