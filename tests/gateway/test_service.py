"""gateway/service.py: what routes share, and that a fleet without any worker still ends what waits."""

import asyncio

from tests.gateway.house import MESSAGE, open_house
from tests.support.valkey import Valkey


async def test_without_any_worker_a_gateway_sweeps(valkey: Valkey) -> None:
    """A job that waits for too long is ended by name, its client told by a status; and no worker is made up."""
    async with open_house(valkey.url, queue_wait_attached_s=0.3) as house:
        sweeping = asyncio.create_task(house.service.sweeper.sweep_for_ever())
        response = await asyncio.wait_for(house.api.send("POST", "/v1/messages", json=MESSAGE), 5)
        assert response.status_code == 529
        assert response.json()["error"]["details"] == {"error_code": "queue_timeout"}
        assert response.headers["retry-after"] == "1"
        assert (await house.world.log.fleet()).workers == 0
        sweeping.cancel()


async def test_terms_of_attached_and_detached_jobs(valkey: Valkey) -> None:
    """Each has its own times: how long it may wait, and how long its log is kept."""
    times = {
        "queue_wait_attached_s": 10.0,
        "queue_wait_detached_s": 20.0,
        "keep_attached_s": 30.0,
        "keep_detached_s": 40.0,
    }
    async with open_house(valkey.url, **times) as house:
        call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE))
        attached = await house.claimed()
        await house.api.submit(MESSAGE)
        detached = await house.claimed()
        names = ("queue_wait_ms", "retention_ms", "grace_ms")
        of = [
            await house.world.call("HMGET", house.world.keys.record(hand.job_id), *names)
            for hand in (attached, detached)
        ]
        assert of == [[b"10000", b"30000", b"500"], [b"20000", b"40000", b"500"]]
        await house.api.cancel(attached.job_id)
        await call
