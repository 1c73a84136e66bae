"""Faults that end or stop processes: workers and gateways killed, paused, told to stop.

Invariant: a victim is replaced, so the fleet stays as large as it was; what was hit is told by the simulator's
ledger, which sees the connections of a dead worker close.
Does not know: how a run is judged.
"""

import asyncio
from collections.abc import Iterable
from time import monotonic
from typing import Any

from tests.faults.checker import Rules
from tests.faults.clients import KEY, Crowd
from tests.faults.history import Stream
from tests.faults.house import House
from tests.faults.run import Run, mid_stream
from tests.faults.wire import call
from tests.support.process import Process

LOST = frozenset({"worker_lost"})
STOPPING = frozenset({"draining", "worker_stopping"})
_WORKERS = 4
_WAITING = 500  # jobs, at every kill of the full size
_AT_ONCE_S = 0.5  # within this of a kill the ledger has seen its calls close


async def killed_workers(run: Run) -> None:
    """kill -9 of random workers; some jobs wait for a slot all the time."""
    slots = run.size.at_once // _WORKERS
    async with run.house(SLUICE_LEASE_S=run.size.lease_s, SLUICE_SLOTS=slots, SLUICE_QUEUE_WAIT_ATTACHED_S=600) as (
        house,
        crowd,
    ):
        await house.start(gateways=1, workers=_WORKERS)
        waited: list[int] = []
        injecting = asyncio.create_task(_kill_workers(run, house, crowd, waited))
        waiting = 16 if run.size.small else _WAITING + 60  # some are just about to ask
        scenario = f"{run.size.scenario} first-token-ms=200"
        await crowd.keep(
            run.size.at_once + waiting, run.size.streams, lambda: not injecting.done(), scenario, limit_s=300.0
        )
        await injecting
        await run.conclude(house, Rules(LOST, calls=3))
        gaps = _gaps(run)
        run.figure("killed to next event or named error, p99", gaps, "s", run.size.lease_s + 2.0, busy=1.5)
        run.notes["streams hit"] = len(gaps)
        run.notes["or more waiting at each kill"] = min(waited)
        run.demand(bool(gaps), "no kill hit a stream")
        run.demand(run.size.small or min(waited) >= _WAITING, f"only {min(waited)} were waiting at a kill")
        wanted = run.size.streams * run.size.deltas
        run.demand(run.history.events >= wanted, f"only {run.history.events} of {wanted} events")


async def _kill_workers(run: Run, house: House, crowd: Crowd, waited: list[int]) -> None:
    """`waited`: how many clients had no answer yet when each kill struck."""
    for _ in range(run.size.times):
        await mid_stream(crowd, 4)
        await run.pause(0.1, 0.6)
        waited.append(len(crowd.busy) - len(crowd.running))
        name = run.rng.choice(sorted(house.workers))
        victim = house.workers[name]
        house.withdraw(victim)
        run.inject("kill -9 of a worker", name)
        await asyncio.to_thread(victim.kill)
        await house.add_worker()


def _gaps(run: Run) -> list[float]:
    """For each stream that a kill hit: how long its client then heard nothing of it.

    Of a stream whose next worker was killed, too, before it said anything, the last of these kills counts.
    """
    streams = {stream.label: stream for stream in run.history.streams}
    struck = {
        (one["label"], streams[one["label"]].heard_after(at)): at
        for at, _, worker in run.history.injected
        for one in run.history.calls
        if one["worker"] == worker and one["started"] < at and _closed_by(one, at)
    }
    return [heard - at for (_, heard), at in struck.items()]


def _closed_by(one: dict[str, Any], at: float) -> bool:
    return one["ending"] == "client_closed" and at <= float(one["ended"]) < at + _AT_ONCE_S


async def paused_workers(run: Run) -> None:
    """SIGSTOP of a worker for two leases, then SIGCONT; half of its jobs, of every kind, are cancelled meanwhile."""
    async with run.house(SLUICE_LEASE_S=run.size.lease_s) as (house, crowd):
        await house.start(gateways=1, workers=2)
        closed_s: list[float] = []
        for _ in range(run.size.times):
            asked = [
                crowd.ask("text events=1000 tps=20" if number % 2 else "stall after=8 events=1000")
                for number in range(run.size.at_once)
            ]
            await mid_stream(crowd, run.size.at_once)
            open_calls = [one["worker"] for one in await house.calls() if one["ended"] is None]
            name = max(sorted(house.workers), key=open_calls.count)
            victim = house.workers[name]
            run.inject("SIGSTOP of a worker", name)
            victim.pause()
            paused = monotonic()
            await _cancel(house, [client.stream for number, client in enumerate(asked) if number % 4 < 2])
            await asyncio.sleep(max(0.0, paused + 2 * run.size.lease_s - monotonic()))
            woke = monotonic()
            victim.wake()
            await _cancel(house, [client.stream for client in crowd.running])
            await crowd.finish()
            await house.quiet()
            closed_s += [late_s for late_s in _closed_after(woke, await house.calls(), name) if late_s > 0]
        run.figure("upstream calls closed after the worker woke, p99", closed_s, "s", 2.0)
        run.notes["calls of paused workers"] = len(closed_s)
        await run.conclude(house, Rules(LOST | {"cancelled"}, close_s=2 * run.size.lease_s + 2.0))


def _closed_after(woke: float, calls: Iterable[dict[str, Any]], worker: str) -> list[float]:
    return [(one["ended"] or float("inf")) - woke for one in calls if one["worker"] == worker]


async def _cancel(house: House, streams: Iterable[Stream]) -> None:
    url = house.choose()
    await asyncio.gather(
        *(call(url, "POST", f"/v1/jobs/{stream.job_id}/cancel", {"x-api-key": KEY}) for stream in streams)
    )


async def killed_gateways(run: Run) -> None:
    """kill -9 of random gateways; every client follows again at another one."""
    async with run.house() as (house, crowd):
        await house.start(gateways=3, workers=2)
        injecting = asyncio.create_task(_kill_gateways(run, house, crowd))
        await crowd.keep(
            run.size.at_once,
            run.size.streams,
            lambda: not injecting.done(),
            run.size.scenario,
            keyed=True,
            limit_s=60.0,
        )
        await injecting
        await run.conclude(house, Rules(cuts=True))
        resumed = [stream for stream in run.history.streams if any(r.how == "cut" for r in stream.responses)]
        run.notes["streams resumed"] = len(resumed)
        run.demand(bool(resumed), "no kill hit a stream")


async def _kill_gateways(run: Run, house: House, crowd: Crowd) -> None:
    for _ in range(run.size.times):
        await mid_stream(crowd, run.size.at_once // 2)
        await run.pause(0.1, 0.5)
        victim: Process = run.rng.choice(house.gateways)
        house.withdraw(victim)
        run.inject("kill -9 of a gateway", victim.name)
        await asyncio.to_thread(victim.kill)
        await house.add_gateway()


async def rolling_stop(run: Run) -> None:
    """SIGTERM of every gateway and worker, one after the other, each with a successor first.

    A worker that drains gives back what has no content yet, so such a job is called twice.
    """
    drain_s = 3.0 * run.size.deltas / run.size.tps
    async with run.house(SLUICE_DRAIN_S=drain_s, SLUICE_GRACE_S=2) as (house, crowd):
        gateways, workers = (2, 2) if run.size.small else (3, 4)
        await house.start(gateways, workers)
        longer = crowd.ask("text events=4000 tps=5", passing=frozenset(), limit_s=300.0)
        await mid_stream(crowd, 1)
        rolling = asyncio.create_task(_roll(run, house, crowd))
        await crowd.keep(
            run.size.at_once, run.size.streams, lambda: not rolling.done(), run.size.scenario, limit_s=60.0
        )
        await rolling
        await run.conclude(house, Rules(STOPPING, calls=3, close_s=5.0))
        short = {client.stream.outcome for client in crowd.clients if client is not longer}
        run.demand(short == {"done"}, f"streams shorter than the drain ended so: {short}")
        run.demand(longer.stream.outcome in STOPPING, f"the long one ended so: {longer.stream.outcome}")
        exits = [await asyncio.to_thread(process.exit_code, drain_s + 10.0) for process in house.told]
        run.demand(exits == [0] * len(exits), f"exit codes of those that were told to stop: {exits}")


async def _roll(run: Run, house: House, crowd: Crowd) -> None:
    for _ in range(run.size.times):
        for process in [*house.gateways, *house.workers.values()]:
            await mid_stream(crowd, run.size.at_once * 9 // 10)
            await (house.add_gateway() if process in house.gateways else house.add_worker())
            house.withdraw(process)
            run.inject("SIGTERM", process.name)
            process.terminate()
