"""Cancels of jobs wherever they stand: how soon nobody pays for them any more, also when no message gets through.

Does not know: how a run is judged.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import cast

from redis.asyncio import Redis

from tests.faults.checker import Rules
from tests.faults.clients import KEY, Client, Crowd
from tests.faults.history import Stream
from tests.faults.house import House
from tests.faults.run import Run
from tests.faults.wire import call
from tests.support.facts import true, until

# Where a job stands when it is cancelled -> scenario.
_STANDS = {
    "starting": "stall before=headers events=40",
    "running": "text events=4000 tps=10",
    "silent": "stall after=8 events=4000",
}
_THIEVES, _THIEF = 150, "thief"


async def cancelled(run: Run) -> None:
    """Cancel of queued, starting, running and silent jobs; then the same while every nudge is lost."""
    async with run.house(SLUICE_SLOTS=len(_STANDS) * run.size.at_once // 2) as (house, crowd):
        await house.start(1, 2)
        told_s: list[float] = []
        lost_s: list[float] = []
        for _ in range(run.size.times):
            told_s += await _round(run, house, crowd, contextlib.nullcontext())
            lost_s += await _round(run, house, crowd, _without_nudges(run, house))
        run.figure("cancelled to upstream closed, p99", told_s, "s", 0.5)
        run.figure("the same without a nudge, worst", max(lost_s), "s", 2.0)
        run.notes["upstream calls"] = len(told_s) + len(lost_s)
        await run.conclude(house, Rules(frozenset({"cancelled"})))


async def _round(
    run: Run, house: House, crowd: Crowd, network: contextlib.AbstractAsyncContextManager[None]
) -> list[float]:
    """Fill the slots, let others wait, cancel all; answers how long each upstream call stayed open."""
    scenarios = [scenario for scenario in _STANDS.values() for _ in range(run.size.at_once)]
    asked = [crowd.ask(scenario, detached=True, limit_s=60.0) for scenario in scenarios]
    queued = await _others_behind(run, house, crowd, asked)
    at: dict[str, float] = {}
    async with network:
        # First those that wait: a cancel of the others would let them begin.
        for some in (queued, asked):
            await asyncio.gather(*(_cancel(run, house, client.stream, at) for client in some))
        await crowd.finish()
        await house.quiet()
    ended = {client.stream.outcome for client in [*asked, *queued]}
    run.demand(ended == {"cancelled"}, f"they ended otherwise: {ended}")
    mine = [one for one in await house.calls() if one["label"] in at]
    return [(one["ended"] or float("inf")) - at[one["label"]] for one in mine]


async def _others_behind(run: Run, house: House, crowd: Crowd, asked: Sequence[Client]) -> list[Client]:
    """Until each of these has its upstream call, and so every slot is taken; answers some that wait behind them."""
    labels = {client.stream.label for client in asked}

    async def all_have() -> bool:
        return labels <= {one["label"] for one in await house.calls()}

    await true(all_have, 20.0)
    queued = [crowd.ask("text events=40", detached=True) for _ in range(run.size.at_once)]
    await until(lambda: all(client.stream.job_id for client in queued))
    return queued


async def _cancel(run: Run, house: House, stream: Stream, at: dict[str, float]) -> None:
    at[stream.label] = run.inject("cancel", stream.job_id)
    response = await call(house.choose(), "POST", f"/v1/jobs/{stream.job_id}/cancel", {"x-api-key": KEY})
    assert response.status == 200, response


@contextlib.asynccontextmanager
async def _without_nudges(run: Run, house: House) -> AsyncIterator[None]:
    """Thieves wait for the workers' nudges before the workers do: those are cut off once, and come back behind them."""
    prefix = house.cluster.prefix
    redis = Redis(unix_socket_path=house.socket_path, max_connections=_THIEVES + 1, client_name=_THIEF)
    workers = [name.decode() for name in await redis.zrange(f"{prefix}workers", 0, -1)]
    nudges: list[str] = [f"{prefix}nudges:{worker}" for worker in workers]
    stolen = 0

    async def steal() -> None:
        nonlocal stolen
        while await cast(Awaitable[object], redis.blpop(nudges)):
            stolen += 1

    thieves = [asyncio.create_task(steal()) for _ in range(_THIEVES)]
    try:
        await true(lambda: _all_wait(redis))
        for waiting in await _waiting(redis):
            if waiting["name"] != _THIEF:
                await redis.client_kill_filter(_id=waiting["id"])
        yield
    finally:
        for thief in thieves:
            thief.cancel()
        await asyncio.gather(*thieves, return_exceptions=True)
        await redis.aclose()
    run.notes["nudges stolen"] = run.notes.get("nudges stolen", 0) + stolen
    run.demand(stolen > 0, "no nudge was lost")


async def _waiting(redis: "Redis") -> list[dict[str, str]]:
    clients: list[dict[str, str]] = await redis.client_list()
    return [client for client in clients if client["cmd"].lower() == "blpop"]


async def _all_wait(redis: "Redis") -> bool:
    return sum(client["name"] == _THIEF for client in await _waiting(redis)) == _THIEVES
