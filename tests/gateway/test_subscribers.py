"""gateway/subscribers.py: who listens is known in Redis; leaving is noticed at once; a drain ends every response."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import pytest

from streamlog.lifecycle import State
from streamlog.log import Placed
from tests.gateway.house import MESSAGE, Hand, House, open_house
from tests.support import said
from tests.support.api import Stream
from tests.support.facts import true, until
from tests.support.series import Moved
from tests.support.valkey import Valkey


async def watchers(house: House, job_id: str) -> list[bytes]:
    """The gateways whose word it is that they watch the job."""
    found: list[bytes] = await house.world.call("HKEYS", house.world.keys.watch(job_id))
    return found


async def left(house: House, job_id: str) -> None:
    """Wait until Redis knows that nobody watches the job, and since when."""

    async def known() -> bool:
        stamp = await house.world.call("HGET", house.world.keys.record(job_id), "left_ms")
        return stamp is not None and not await watchers(house, job_id)

    await true(known, 2)


async def renewed(house: House, hand: Hand) -> State:
    """The job's state after its worker asked for its lease once more."""
    await house.world.claims().renew([(hand.job_id, hand.claim.attempt)])
    return await house.world.state(hand.job_id)


async def swept(house: House, job_id: str) -> State:
    await house.world.claims().sweep()
    return await house.world.state(job_id)


async def test_a_client_that_leaves_before_the_head_is_noticed_at_once(house: House) -> None:
    """While the job waits: after its grace time, and not before, the sweep cancels it."""
    call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE))
    await house.subscribers(1)
    (job_id,) = await house.world.call("ZRANGE", house.world.keys.queue, 0, -1)
    assert len(await watchers(house, job_id.decode())) == 1
    call.cancel()
    await house.subscribers(0, within_s=1)
    await left(house, job_id.decode())
    assert await swept(house, job_id.decode()) is State.QUEUED

    async def cancelled() -> bool:
        return await swept(house, job_id.decode()) is State.CANCELLED

    await true(cancelled, 2)
    assert (await house.world.record(job_id.decode())).code == "abandoned"


async def test_a_client_that_leaves_a_running_job_gives_it_its_grace(brief: House) -> None:
    """Its worker keeps it for that long, then hears at its next renewal that nobody listens."""
    async with brief.api.stream(MESSAGE) as stream:
        hand = await brief.claimed()
        await hand.says(said.start(), said.text("a"))
        await stream.until(lambda event: event.name == "content_block_delta")
        assert await renewed(brief, hand) is State.RUNNING
    left_at = monotonic()
    await left(brief, hand.job_id)

    async def cancelled() -> bool:
        return await renewed(brief, hand) is State.CANCELLED

    await true(cancelled, 3)
    assert 0.4 < monotonic() - left_at < 2


async def test_a_client_that_comes_back_within_the_grace_keeps_its_job(brief: House) -> None:
    """On the job's own address, from where it was."""
    async with brief.api.stream(MESSAGE):
        hand = await brief.claimed()
        await hand.says(said.start(), said.text("a"))
    await left(brief, hand.job_id)
    async with brief.api.follow(hand.job_id) as again:
        await again.until(lambda event: event.name == "content_block_delta")
        await true(lambda: _watched(brief, hand.job_id), 2)
        await brief.world.call("HSET", brief.world.keys.record(hand.job_id), "left_ms", 1)
        assert await renewed(brief, hand) is State.RUNNING


async def test_one_of_two_that_leaves_changes_nothing(brief: House) -> None:
    """Only the last one's going is told."""
    async with brief.api.stream(MESSAGE):
        hand = await brief.claimed()
        async with brief.api.follow(hand.job_id):
            await brief.subscribers(2)
        await brief.subscribers(1)
        assert len(await watchers(brief, hand.job_id)) == 1
        assert await brief.world.call("HGET", brief.world.keys.record(hand.job_id), "left_ms") is None


async def test_an_answer_without_streaming_notices_its_client_too(house: House) -> None:
    """However long it is silent."""
    call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE | {"stream": False}))
    hand = await house.claimed()
    call.cancel()
    await house.subscribers(0, within_s=1)
    await left(house, hand.job_id)


async def test_a_job_that_ended_is_left_without_a_word(house: House) -> None:
    """Nobody needs to know."""
    call = asyncio.create_task(house.api.answer(MESSAGE))
    hand = await house.claimed()
    await hand.says(*said.answer("a"), mark="done")
    await call
    await house.subscribers(0)
    assert await house.world.call("HGET", house.world.keys.record(hand.job_id), "left_ms") is None


async def test_presence_is_renewed_while_a_response_is_open(valkey: Valkey) -> None:
    """A gateway's word runs out by itself, so it is given again and again."""
    async with open_house(valkey.url, watch_s=1.2) as house:
        call = asyncio.create_task(house.api.answer(MESSAGE))
        hand = await house.claimed()
        key = house.world.keys.watch(hand.job_id)
        (first,) = await house.world.call("HVALS", key)

        async def later() -> bool:
            (now,) = await house.world.call("HVALS", key)
            return int(now) > int(first)

        await true(later, 2)
        await hand.says(*said.answer("a"), mark="done")
        await call


async def test_open_responses_are_counted(house: House, moved: Moved) -> None:
    """Up with each, down with each, whichever side closed it."""
    job_id = await house.api.submit(MESSAGE)
    async with house.api.follow(job_id), house.api.follow(job_id):
        await house.subscribers(2)
        assert moved.by("sluice_subscribers") == 2
    await house.subscribers(0)
    assert moved.by("sluice_subscribers") == 0


# drain


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Goodbyes within a fifth of a second."""
    monkeypatch.setattr("gateway.subscribers._SPREAD_S", 0.2)


async def test_a_drain_sends_followers_away_and_tells_them_to_come_back(house: House, hurried: None) -> None:
    """A proper end of the body, with `retry:` as its last words, within some seconds; the job goes on."""
    await house.api.submit(MESSAGE)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"))
    following = asyncio.create_task(_raw(house, hand.job_id))
    await house.subscribers(1)
    await asyncio.wait_for(house.service.subscribers.drain(2.0), 3)
    body = await following
    assert body.endswith(b"retry: 1000\n\n")
    assert b"event: error" not in body
    assert await house.world.state(hand.job_id) is State.RUNNING


async def test_a_drain_spreads_the_goodbyes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand clients do not come back in the same moment."""
    delays: list[tuple[float, float]] = []

    def at_once(low: float, high: float) -> float:
        delays.append((low, high))
        return 0.0

    monkeypatch.setattr("gateway.subscribers.random.uniform", at_once)
    await house.api.submit(MESSAGE)
    hand = await house.claimed()
    followers = [asyncio.create_task(_raw(house, hand.job_id)) for _ in range(3)]
    await house.subscribers(3)
    await house.service.subscribers.drain(300.0)
    await asyncio.gather(*followers)
    assert delays == [(0, 3.0)] * 3


async def test_a_follower_that_comes_during_a_drain_is_sent_on_as_well(house: House, hurried: None) -> None:
    """It gets what there is, and does not hold the drain up to its limit."""
    await house.api.submit(MESSAGE)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"))
    waiting = asyncio.create_task(house.api.answer(MESSAGE))
    other = await house.claimed()
    draining = asyncio.create_task(house.service.subscribers.drain(60.0))
    await until(lambda: house.service.subscribers.draining)
    body = await asyncio.wait_for(_raw(house, hand.job_id), 8)
    assert body.startswith(b"id: " + hand.job_id.encode())
    assert body.endswith(b"retry: 1000\n\n")
    await other.says(*said.answer("a"), mark="done")
    await waiting
    await asyncio.wait_for(draining, 2)


async def test_a_drain_lets_messages_finish(brief: House) -> None:
    """Those whose head is out, and those whose head is still held."""
    committed = asyncio.create_task(brief.api.answer(MESSAGE))
    hand = await brief.claimed()
    await hand.says(said.start(), said.text("a"))
    held = asyncio.create_task(brief.api.send("POST", "/v1/messages", json=MESSAGE | {"stream": False}))
    other = await brief.claimed()
    draining = asyncio.create_task(brief.service.subscribers.drain(20.0))
    await until(lambda: brief.service.subscribers.draining)
    await hand.says(said.STOP, mark="done")
    await other.writer.write_whole(b"{}")
    assert (await committed).events[-1].name == "message_stop"
    assert (await held).status_code == 200
    await asyncio.wait_for(draining, 1)


async def test_at_the_drains_limit_messages_end_by_name(brief: House) -> None:
    """Once the head is out as `event: error`, before that as 503 with `retry-after`."""
    streaming: asyncio.Task[Stream] = asyncio.create_task(brief.api.answer(MESSAGE))
    hand = await brief.claimed()
    await hand.says(said.start(), said.text("a"))
    held = asyncio.create_task(brief.api.send("POST", "/v1/messages", json=MESSAGE | {"stream": False}))
    await brief.subscribers(2)
    await asyncio.wait_for(brief.service.subscribers.drain(0.2), 2)
    stream = await streaming
    assert stream.events[-1].error_code == "draining"
    assert stream.events[-1].json["error"]["type"] == "overloaded_error"
    refused = await held
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["details"] == {"error_code": "draining"}
    await brief.subscribers(0)


async def test_a_drain_waits_for_a_job_that_is_just_being_submitted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its response is not open yet; at the drain's limit it ends by a status as well."""
    submit, go_on, asked = house.service.log.submit, asyncio.Event(), asyncio.Event()

    async def slow(*args: Any) -> Placed:
        asked.set()
        await go_on.wait()
        return await submit(*args)

    monkeypatch.setattr(house.service.log, "submit", slow)
    call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE))
    await asked.wait()
    draining = asyncio.create_task(house.service.subscribers.drain(60.0))
    await until(lambda: house.service.subscribers.draining)
    assert not draining.done()
    await house.service.subscribers.drain(0.0)
    go_on.set()
    response = await asyncio.wait_for(call, 2)
    assert (response.status_code, response.json()["error"]["details"]) == (503, {"error_code": "draining"})
    await asyncio.wait_for(draining, 1)


async def test_a_body_that_comes_during_a_drain_is_refused(house: House) -> None:
    """Its head came before; nothing is queued."""
    arriving = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b'{"model": "m", "max_tokens": 1, "messages": ['
        arriving.set()
        await until(lambda: house.service.subscribers.draining, within_s=2)
        yield b"]}"

    call = asyncio.create_task(house.api.send("POST", "/v1/messages", content=body()))
    await arriving.wait()
    await house.service.subscribers.drain(1.0)
    response = await call
    assert (response.status_code, response.json()["error"]["details"]) == (503, {"error_code": "draining"})
    assert await house.queued() == 0


async def _raw(house: House, job_id: str) -> bytes:
    return (await house.api.send("GET", f"/v1/jobs/{job_id}/events")).content


async def _watched(house: House, job_id: str) -> bool:
    return bool(await watchers(house, job_id))
