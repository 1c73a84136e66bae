"""Random faults for a long time, and whether anything was left behind.

Invariant: one gateway and one worker live through it all; it is their memory, descriptors and tasks that are compared.
Does not know: how a run is judged.
"""

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic
from typing import NamedTuple

from tests.faults.checker import Rules
from tests.faults.clients import PASSING, Crowd
from tests.faults.house import House, python_path
from tests.faults.outages import LOSSES
from tests.faults.readers import memory_kib
from tests.faults.run import Run
from tests.support.facts import fact
from tests.support.process import Process

_KEPT_S = 2.0
_MEMORY_MIB = 32.0
_TASKS = 5  # a sweep or a renewal that just runs
_TASKS_SAID = re.compile(r"^tasks: (\d+)$", re.MULTILINE)
_PROBE = Path(__file__).with_name("probe")
_ASK_EVERY = 50  # faults: long before the simulator forgets a call


class _Held(NamedTuple):
    """What a process holds."""

    memory_mib: float
    descriptors: int
    tasks: int


async def soaked(run: Run) -> None:
    """Load and faults for the whole time; then everything is back where it was."""
    async with run.house(
        SLUICE_LEASE_S=run.size.lease_s,
        SLUICE_KEEP_ATTACHED_S=_KEPT_S,
        SLUICE_GRACE_S=1,
        SLUICE_WATCH_S=2,
        PYTHONPATH=python_path(_PROBE),
    ) as (house, crowd):
        await house.start(gateways=2, workers=2)
        stays = [house.gateways[0], next(iter(house.workers.values()))]
        await _load(run, house, crowd, 3.0, faults=False)
        await _keys_gone(house)
        before = {process: await _held(process) for process in stays}
        await _load(run, house, crowd, float(run.size.times), faults=True)
        # The stream of a worker that is paused for two leases ends by the sweep, its call when the worker wakes.
        await run.conclude(house, Rules(LOSSES, calls=3, cuts=True, log_lost=True, close_s=2 * run.size.lease_s + 2.0))
        keys = await _keys_gone(house)
        run.figure("keys left in Redis", len(keys), "", 0)
        for process in stays:
            then, now = before[process], await _held(process)
            room = process.name.partition("-")[0]
            run.figure(f"{room}: memory grown by", now.memory_mib - then.memory_mib, "MiB", _MEMORY_MIB)
            # A worker keeps its connections to the upstream for the next calls: at most one a stream.
            run.figure(f"{room}: descriptors grown by", now.descriptors - then.descriptors, "", run.size.at_once)
            run.figure(f"{room}: tasks grown by", now.tasks - then.tasks, "", _TASKS)


async def _load(run: Run, house: House, crowd: Crowd, for_s: float, *, faults: bool) -> None:
    until = monotonic() + for_s
    breaking = asyncio.create_task(_break(run, house, crowd, until) if faults else asyncio.sleep(0))
    goes_on = lambda: monotonic() < until or not breaking.done()  # noqa: E731
    await crowd.keep(run.size.at_once, 1, goes_on, run.size.scenario, passing=PASSING | {"redis_unavailable"})
    await breaking


async def _break(run: Run, house: House, crowd: Crowd, until: float) -> None:
    stays_gateway, stays_worker = house.gateways[0], next(iter(house.workers.values()))

    async def kill_worker() -> None:
        (victim,) = [worker for worker in house.workers.values() if worker is not stays_worker]
        house.withdraw(victim)
        await asyncio.to_thread(victim.kill)
        await house.add_worker()

    async def kill_gateway() -> None:
        (victim,) = [gateway for gateway in house.gateways if gateway is not stays_gateway]
        house.withdraw(victim)
        await asyncio.to_thread(victim.kill)
        await house.add_gateway()

    async def pause_worker() -> None:
        await _paused(run.rng.choice([*house.workers.values()]), 2 * run.size.lease_s)

    async def pause_gateway() -> None:
        await _paused(run.rng.choice(house.gateways), 1.0)

    async def kill_pubsub() -> None:
        with house.ground.client() as redis:
            await asyncio.to_thread(redis.client_kill_filter, _type="pubsub")

    async def freeze_redis() -> None:
        house.ground.server.freeze()
        await asyncio.sleep(0.5)
        house.ground.server.thaw()

    async def leave() -> None:
        for client in crowd.running[:5]:
            await client.leave()

    ways: list[Callable[[], Awaitable[None]]] = [
        kill_worker, kill_gateway, pause_worker, pause_gateway, kill_pubsub, freeze_redis, leave
    ]  # fmt: skip
    while monotonic() < until:
        way = run.rng.choice(ways)
        run.inject(way.__name__)
        await way()
        if len(run.history.injected) % _ASK_EVERY == 0:
            await house.calls()
        await run.pause(0.2, 1.0)


async def _paused(process: Process, for_s: float) -> None:
    process.pause()
    await asyncio.sleep(for_s)
    process.wake()


async def _held(process: Process) -> _Held:
    return _Held(memory_kib(process) / 1024, len(os.listdir(f"/proc/{process.pid}/fd")), await _tasks(process))


async def _tasks(process: Process) -> int:
    told = len(_TASKS_SAID.findall(process.log))
    os.kill(process.pid, signal.SIGUSR1)

    async def said() -> int | None:
        counts = _TASKS_SAID.findall(process.log)
        return int(counts[-1]) if len(counts) > told else None

    return await fact(said)


async def _keys_gone(house: House) -> list[str]:
    """Wait until the keys of all jobs have expired; answers those that have not."""
    found: list[str] = []

    def keys() -> list[str]:
        with house.ground.client() as redis:
            return [key.decode() for key in redis.scan_iter(count=1000) if b"job_" in key]

    async def gone() -> bool | None:
        found[:] = await asyncio.to_thread(keys)
        return not found or None

    with contextlib.suppress(AssertionError):
        await fact(gone, _KEPT_S + 20.0)
    return found
