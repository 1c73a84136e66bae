"""Faults of Redis itself: restarted with and without its data, frozen, cut off on one side, pub/sub killed.

Redis is killed with -9, the worst that a restart is.
Does not know: how a run is judged.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic

from tests.faults.checker import STAMP, Rules
from tests.faults.clients import PASSING, Crowd
from tests.faults.history import Stream
from tests.faults.house import House
from tests.faults.run import Run, mid_stream, p99

DOWN_MOST_S = 2.0
_KILLED_EVERY_S = 0.5
LOSSES = frozenset({"worker_lost", "stream_lost", "redis_unavailable", "request_lost", "job_not_found"})
_PATIENT = PASSING | {"redis_unavailable"}


async def restarted(run: Run) -> None:
    """Redis is killed, stays away for up to 2 s, and comes back with its append-only file."""
    async with run.house(persistent=True, SLUICE_SLOTS=run.size.at_once) as (house, crowd):
        await _outages(run, house, crowd, lambda: None)
        await run.conclude(house, Rules(LOSSES, calls=3))
        lost = sum(stream.outcome != "done" for stream in run.history.streams)
        run.figure("streams that were not completed", 100 * lost / len(run.history.streams), "%", 1.0)
        run.figure("killed to next event or named error, p99", _silences(run), "s", 10.0)


async def tail_cut(run: Run) -> None:
    """The same, but the end of the append-only file is cut off before the start."""
    async with run.house(persistent=True, SLUICE_SLOTS=run.size.at_once) as (house, crowd):

        def cut() -> None:
            (log,) = house.ground.server.data.glob("*.incr.aof")
            size = log.stat().st_size
            with log.open("r+b") as file:
                file.truncate(size - min(size // 2, int(10 ** run.rng.uniform(3.0, 5.0))))

        await _outages(run, house, crowd, cut)
        await run.conclude(house, Rules(LOSSES, calls=3, log_lost=True))
        run.figure("killed to next event or named error, p99", _silences(run), "s", 10.0)
        hit = sum(stream.outcome == "stream_lost" for stream in run.history.streams)
        run.demand(hit > 0, "no tail was lost")


async def emptied(run: Run) -> None:
    """Redis comes back with nothing: every open stream is told so, and new work is served."""
    async with run.house() as (house, crowd):
        served_s: list[float] = []

        async def serves() -> None:
            back = monotonic()
            probe = crowd.ask("text events=10 tps=0", passing=_PATIENT)
            await asyncio.wait_for(probe.begun.wait(), 20.0)
            served_s.append(monotonic() - back)

        await _outages(run, house, crowd, lambda: None, serves)
        await run.conclude(house, Rules(LOSSES, calls=3, log_lost=True))
        run.figure("killed to named error, p99", _silences(run), "s", 10.0)
        run.figure("new work served after its return, worst", max(served_s), "s", 3.0)


async def _nothing() -> None:
    return


async def _outages(
    run: Run,
    house: House,
    crowd: Crowd,
    while_down: Callable[[], None],
    when_back: Callable[[], Awaitable[None]] = _nothing,
) -> None:
    await house.start(gateways=1, workers=2)

    async def strike() -> None:
        for _ in range(run.size.times):
            await mid_stream(crowd, run.size.at_once * 9 // 10)
            await run.pause(1.0, 2.0)
            run.inject("kill -9 of Redis")
            await asyncio.to_thread(house.ground.server.kill)
            await run.pause(0.0, DOWN_MOST_S)
            while_down()
            await asyncio.to_thread(house.ground.server.start)
            await when_back()

    striking = asyncio.create_task(strike())
    await crowd.keep(
        run.size.at_once,
        run.size.streams,
        lambda: not striking.done(),
        run.size.scenario,
        passing=_PATIENT,
        limit_s=300.0,
    )
    await striking


def _silences(run: Run) -> list[float]:
    """For each stream in mid-answer when a fault struck: until its client heard of it again."""
    return [
        stream.heard_after(injected.at) - injected.at
        for injected in run.history.injected
        for stream in run.history.streams
        if _begun_at(stream) < injected.at < stream.ended
    ]


def _begun_at(stream: Stream) -> float:
    return stream.frames[0].at if stream.frames else float("inf")


async def pubsub_killed(run: Run) -> None:
    """Every pub/sub connection is killed twice a second; the log carries what they lose."""
    async with run.house() as (house, crowd):
        await house.start(gateways=1, workers=1)
        quiet_s, killing_s = (3.0, 4.0) if run.size.small else (15.0, 60.0)
        lasts_s = quiet_s + killing_s + 1.0
        scenario = f"text events={int(lasts_s * run.size.tps)} tps={run.size.tps:g} stamp=1"
        for _ in range(run.size.streams):
            crowd.ask(scenario, limit_s=2 * lasts_s + 20.0)
        await mid_stream(crowd, run.size.streams)
        await asyncio.sleep(quiet_s)
        with house.ground.client() as redis:
            began = monotonic()
            for turn in range(int(killing_s / _KILLED_EVERY_S)):
                await asyncio.sleep(max(0.0, began + turn * _KILLED_EVERY_S - monotonic()))
                killed = await asyncio.to_thread(redis.client_kill_filter, _type="pubsub")
                if killed:
                    run.inject("CLIENT KILL TYPE pubsub", str(killed))
            run.demand(len(crowd.running) == run.size.streams, "streams ended before the last kill")
        await crowd.finish()
        await run.conclude(house, Rules())
        first = run.history.injected[0].at
        streams = run.history.streams
        before, after = delays_s(streams, lambda at: at < first), delays_s(streams, lambda at: at > first)
        run.figure("added delay at p99", 1000 * (p99(after) - p99(before)), "ms", 300.0)


def delays_s(streams: Iterable[Stream], when: Callable[[float], bool] = lambda at: True) -> list[float]:
    """From the simulator's sending of each delta to its arrival."""
    return [
        event.at - int(found[1]) / 1e9
        for stream in streams
        for event in stream.frames
        if when(event.at) and (found := STAMP.search(event.raw))
    ]
