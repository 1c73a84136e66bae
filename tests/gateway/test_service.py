"""gateway/service.py: what routes share, and that a fleet without any worker still ends what waits."""

import asyncio

import pytest

from streamlog.log import Page
from tests.gateway.house import MESSAGE, House, open_house
from tests.support import said
from tests.support.facts import true, until
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


async def test_who_asks_hears_all_without_a_look_into_the_log(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its job was listened to before it was there; the first call of all has only begun that."""
    looked: list[str] = []
    read = house.service.log.read

    async def noted(job_id: str, start: str = "-") -> Page:
        looked.append(job_id)
        return await read(job_id, start)

    monkeypatch.setattr(house.service.log, "read", noted)
    answers = []
    for _ in range(3):
        call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE))
        hand = await house.claimed()
        await hand.says(said.start(), said.text("Hello"))
        await hand.says(said.STOP, mark="done")
        answers.append((await call).content)
        await until(lambda: all(ear.listener.reason for ear in house.service.expected._ahead))
    assert all(answer.count(b"id: job_") == 3 for answer in answers)
    assert len(looked) == 1


async def test_a_call_that_leads_to_no_job_of_its_own_leaves_no_subscription(house: House) -> None:
    """Refused, or led to the job of another call."""
    again = {"idempotency-key": "again"}
    call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE, headers=again))
    hand = await house.claimed()
    await hand.says(said.start(), said.text("Hello"), said.STOP, mark="done")
    await call
    other = MESSAGE | {"max_tokens": 7}
    assert (await house.api.send("POST", "/v1/messages", json=MESSAGE, headers=again)).status_code == 200
    assert (await house.api.send("POST", "/v1/messages", json=other, headers=again)).status_code == 422
    assert not house.service.expected._promised
    ahead = {ear.job_id for ear in house.service.expected._ahead}

    async def only_those() -> bool:
        channels = await house.world.call("PUBSUB", "CHANNELS", house.world.keys.channel("*"))
        return {channel.decode().rpartition(":")[2] for channel in channels} == ahead

    await true(only_those)
