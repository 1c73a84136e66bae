"""Many workers: their slots add up, and the death of one is noticed in time, however many jobs wait."""

from collections.abc import Iterator
from time import time

import pytest
import redis

from tests.end_to_end.crowd import cancel_all, running, submit_many
from tests.support.api import Api
from tests.support.cluster import Cluster, Ground, started
from tests.support.facts import true
from tests.support.ledger import Ledger

WORKERS, SLOTS, LEASE_S = 8, 20, 2.0
WAITING = 500


@pytest.fixture(scope="module")
def eight(ground: Ground) -> Iterator[Cluster]:
    """8 workers with 20 slots each."""
    with started(ground, workers=WORKERS, SLUICE_LEASE_S=LEASE_S, SLUICE_SLOTS=SLOTS) as cluster:
        yield cluster


async def test_slots_add_up(eight: Cluster, ledger: Ledger) -> None:
    """8 worker processes with 20 slots each run 160 jobs at once, and the next ones wait."""
    async with Api(eight.url) as api:
        before = await ledger.open()
        job_ids = await submit_many(api, WORKERS * SLOTS + 5, "stall after=5")

        async def all_slots_are_taken() -> bool:
            return await ledger.open() - before == WORKERS * SLOTS

        await true(all_slots_are_taken)
        assert await running(api, eight.workers) == [SLOTS] * WORKERS
        states = [(await api.view(job_id))["state"] for job_id in job_ids]
        assert states == ["running"] * WORKERS * SLOTS + ["queued"] * 5
        await cancel_all(api, job_ids[::-1])


async def test_a_killed_worker_is_noticed_however_many_wait(eight: Cluster) -> None:
    """With 500 jobs waiting, the jobs of a killed worker are ended or requeued within lease + 1 s."""
    async with Api(eight.url) as api:
        job_ids = await submit_many(api, WORKERS * SLOTS + WAITING, "stall after=5", "stall before=content")

        async def no_slot_is_free() -> bool:
            return await running(api, eight.workers) == [SLOTS] * WORKERS

        await true(no_slot_is_free)
    victim = eight.workers[0]
    with eight.ground.client() as server:
        records = [f"{eight.prefix}job:{job_id}" for job_id in job_ids]
        workers = _fields(server, records, "worker")
        mine = [record for record, worker in zip(records, workers, strict=True) if f":{victim.pid}:" in worker]
        assert len(mine) == SLOTS
        assert server.zcard(f"{eight.prefix}queue") == WAITING
        victim.kill()
        killed = time()

        async def none_runs() -> bool:
            return "running" not in _fields(server, mine, "state")

        await true(none_runs)
        dealt_s = time() - killed
        states = _fields(server, mine, "state")
    print(f"{states.count('failed')} ended and {states.count('queued')} requeued {dealt_s:.2f} s after the kill")
    assert states.count("failed") + states.count("queued") == SLOTS
    assert states.count("failed") and states.count("queued")
    assert dealt_s <= LEASE_S + 1.0


def _fields(server: redis.Redis, records: list[str], field: str) -> list[str]:
    """One field of many records."""
    with server.pipeline(transaction=False) as pipeline:
        for record in records:
            pipeline.hget(record, field)
        return [(value or b"").decode() for value in pipeline.execute()]
