"""Faults of the work itself: the same call ten times at once, a job that kills its workers, clocks that disagree.

Does not know: how a run is judged.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

from tests.faults.checker import Rules
from tests.faults.clients import KEY, Client, Crowd, message
from tests.faults.deaths import LOST
from tests.faults.house import House, python_path
from tests.faults.run import LEASE_S, Run, mid_stream, p99
from tests.faults.wire import call
from tests.support.facts import fact
from tests.support.process import Process

TOGETHER = 10
SKEW_S = 5.0
_CLAIMS = 3
_SKEW = Path(__file__).with_name("skew")


async def same_post(run: Run) -> None:
    """Each key is posted ten times at once while gateways are killed: one job, one upstream call, ten answers."""
    async with run.house() as (house, crowd):
        await house.start(gateways=3, workers=2)
        for at in range(0, run.size.streams, run.size.at_once):
            keys = [f"key-{number}" for number in range(at, min(at + run.size.at_once, run.size.streams))]
            asked = [
                crowd.ask(run.size.scenario, label=key, idempotency_key=key, limit_s=60.0)
                for key in keys
                for _ in range(TOGETHER)
            ]
            await mid_stream(crowd, 1)
            victim = run.rng.choice(house.gateways)
            house.withdraw(victim)
            run.inject("kill -9 of a gateway", victim.name)
            await asyncio.to_thread(victim.kill)
            await house.add_gateway()
            await asyncio.gather(*(client.task for client in asked))
            await _another_body(run, house, keys)
        await run.conclude(house, Rules(cuts=True))
        jobs = {stream.label: set[str]() for stream in run.history.streams}
        for stream in run.history.streams:
            jobs[stream.label].add(stream.job_id)
        several = [key for key, ids in jobs.items() if len(ids) != 1]
        run.demand(not several, f"keys with more than one job: {several[:5]}")
        run.notes["upstream calls"] = len(run.history.calls)


async def _another_body(run: Run, house: House, keys: Sequence[str]) -> None:
    for key in keys:
        headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "idempotency-key": key}
        refused = await call(house.choose(), "POST", "/v1/messages", headers, message("text events=3", f"{key} again"))
        run.demand(refused.status == 422, f"another body under {key}: {refused.status}")


async def poisoned(run: Run) -> None:
    """Jobs whose workers die whenever they call the upstream; a worker has one slot, so it dies alone."""
    lease_s = min(2 * run.size.lease_s, LEASE_S)
    async with run.house(SLUICE_LEASE_S=lease_s, SLUICE_SLOTS=1, SLUICE_QUEUE_WAIT_ATTACHED_S=600) as (house, crowd):
        await house.start(gateways=1, workers=3)
        poisons = asyncio.create_task(_poisons(run, house, crowd))
        await crowd.keep(2, 4, lambda: not poisons.done(), run.size.scenario, limit_s=120.0)
        await poisons
        await run.conclude(house, Rules(LOST, calls=_CLAIMS))
        lost = [stream for stream in run.history.streams if stream.outcome != "done"]
        run.demand(
            {stream.label for stream in lost} == {f"poison-{turn}" for turn in range(run.size.times)},
            f"not only the poisonous were lost: {[stream.label for stream in lost]}",
        )
        claims = [len(run.history.calls_of(f"poison-{turn}")) for turn in range(run.size.times)]
        run.figure("claims of a job that kills its worker, most", max(claims), "", _CLAIMS)


async def _poisons(run: Run, house: House, crowd: Crowd) -> None:
    for turn in range(run.size.times):
        poison = crowd.ask("slow-first-token ms=60000 events=10", label=f"poison-{turn}", limit_s=60.0)
        while not poison.task.done():
            name = await fact(partial(_runs, house, poison), 30.0)
            if name:
                run.inject("kill -9 of a job's worker", name)
                victim = house.workers[name]
                house.withdraw(victim)
                await asyncio.to_thread(victim.kill)
                await house.add_worker()


async def _runs(house: House, client: Client) -> str | None:
    """The living worker that has the client's upstream call open; "" when its answer has ended."""
    if client.task.done():
        return ""
    for one in await house.calls():
        if one["label"] == client.stream.label and one["ended"] is None and one["worker"] in house.workers:
            return str(one["worker"])
    return None


async def skewed(run: Run) -> None:
    """The gateway's wall clock is 5 s ahead of the worker's, then 5 s behind: first tokens as fast as before."""
    async with run.house() as (house, crowd):
        await house.start(gateways=1, workers=1)
        first_s = {0.0: await _first_tokens_s(run, crowd)}
        (straight,) = house.gateways
        for skew_s in (SKEW_S, -SKEW_S):
            began = time.time()
            gateway = await house.add_gateway(FAULTS_SKEW_S=skew_s, PYTHONPATH=python_path(_SKEW))
            if began - 0.1 < _clock(gateway) - skew_s < time.time() + 0.1:
                run.inject("a clock moved", f"{skew_s:+g} s")
            house.gateways = [gateway]
            first_s[skew_s] = await _first_tokens_s(run, crowd)
        house.gateways = [straight]
        await run.conclude(house, Rules())
        run.demand(len(run.history.injected) == 2, "a clock was not moved")
        measure = median if run.size.small else p99
        added_s = max(measure(first_s[skew_s]) - measure(first_s[0.0]) for skew_s in (SKEW_S, -SKEW_S))
        run.figure(f"added first token, {'median' if run.size.small else 'p99'}", 1000 * added_s, "ms", 20.0, busy=2.0)


def _clock(process: Process) -> float:
    """What its clock said at its start, not long ago."""
    return float(process.said(r"the clock says (\d+\.\d+)")[1])


async def _first_tokens_s(run: Run, crowd: Crowd) -> list[float]:
    streams = []
    for _ in range(run.size.streams):
        client = crowd.ask("text events=5 tps=0")
        await client.task
        streams.append(client.stream)
    return [
        next(event.at for event in stream.frames if event.name == "content_block_delta") - stream.asked
        for stream in streams
    ]
