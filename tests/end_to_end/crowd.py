"""Many jobs at once: submitted, counted, cancelled."""

import asyncio

from tests.support.api import Api, body
from tests.support.process import Process


async def running(api: Api, workers: list[Process]) -> list[int]:
    """How many jobs each worker runs."""
    states = await asyncio.gather(*(api.send("GET", f"{worker.url}/readyz") for worker in workers))
    return [state.json()["running"] for state in states]


async def submit_many(api: Api, number: int, *scenarios: str) -> list[str]:
    """Submit so many detached jobs of these scenarios in turn, twenty at a time."""
    job_ids: list[str] = []
    for at in range(0, number, 20):
        some = range(at, min(at + 20, number))
        job_ids += await asyncio.gather(*(api.submit(body(scenarios[i % len(scenarios)])) for i in some))
    return job_ids


async def cancel_all(api: Api, job_ids: list[str]) -> None:
    for at in range(0, len(job_ids), 20):
        await asyncio.gather(*map(api.cancel, job_ids[at : at + 20]))
