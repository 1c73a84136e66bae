"""gateway/job_views.py: what a job looks like to its owner, in every state, in Redis time."""

import asyncio
import json
from datetime import datetime

import pytest

from streamlog.lifecycle import State
from tests.gateway.house import MESSAGE, Hand, House, open_house
from tests.support import said
from tests.support.valkey import Valkey

FIELDS = {
    "id",
    "type",
    "state",
    "stream",
    "events_url",
    "model",
    "attached",
    "queue_position",
    "last_event_id",
    "created_at",
    "started_at",
    "first_content_at",
    "ended_at",
    "timings",
    "usage",
    "message",
    "error",
}


async def submitted(house: House) -> Hand:
    await house.api.submit(MESSAGE)
    return await house.claimed()


async def test_a_queued_job_shows_how_many_stand_before_it(house: House) -> None:
    """And nothing that is not known yet."""
    ids = [await house.api.submit(MESSAGE) for _ in range(3)]
    views = [await house.api.view(job_id) for job_id in ids]
    assert [view["queue_position"] for view in views] == [0, 1, 2]
    view = views[0]
    assert set(view) == FIELDS
    assert (view["id"], view["type"], view["state"], view["model"]) == (ids[0], "job", "queued", "claude-test")
    assert datetime.fromisoformat(view["created_at"]).utcoffset() is not None
    unknown = ("last_event_id", "started_at", "first_content_at", "ended_at", "usage", "message", "error")
    assert {view[name] for name in unknown} == {None}
    assert set(view["timings"].values()) == {None}


async def test_a_running_job_shows_where_it_stands(house: House) -> None:
    """The position to resume from, and its times so far."""
    hand = await submitted(house)
    await hand.says(*said.answer("a")[:3])
    view = await house.api.view(hand.job_id)
    assert (view["state"], view["queue_position"]) == ("running", None)
    assert view["last_event_id"] == f"{hand.job_id}:{hand.claim.attempt}-3"
    assert view["created_at"] <= view["started_at"] <= view["first_content_at"]
    timings = view["timings"]
    assert 0 <= timings["queue_wait_ms"] <= timings["first_content_ms"]
    assert (timings["total_ms"], view["ended_at"], view["message"]) == (None, None, None)


async def test_a_clock_of_redis_that_was_set_back_gives_no_negative_times(house: House) -> None:
    """A job that was claimed a second before it was made, by that clock, waited for 0 ms."""
    hand = await submitted(house)
    record = house.world.keys.record(hand.job_id)
    ahead_us = (await house.world.record(hand.job_id)).claimed_us + 1_000_000
    await house.world.call("HSET", record, "created_us", ahead_us)
    view = await house.api.view(hand.job_id)
    assert view["created_at"] > view["started_at"]
    assert view["timings"]["queue_wait_ms"] == 0


async def test_a_done_job_shows_its_message_and_its_usage(house: House) -> None:
    """The message that its events amount to, also across several pages of the log."""
    hand = await submitted(house)
    words = [chr(97 + number) * 60_000 for number in range(10)]
    *events, last = said.answer(*words)
    for event in events:
        await hand.says(event)
    await hand.says(last, mark="done", fields=("usage", json.dumps({"output_tokens": 10})))
    view = await house.api.view(hand.job_id)
    assert view["state"] == "done"
    assert view["message"]["content"] == [{"type": "text", "text": "".join(words)}]
    assert view["message"]["stop_reason"] == "end_turn"
    assert view["usage"] == {"output_tokens": 10}
    assert view["timings"]["total_ms"] >= view["timings"]["first_content_ms"]
    assert view["error"] is None


async def test_a_done_job_that_did_not_stream_shows_its_body(house: House) -> None:
    """As the upstream sent it."""
    call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE | {"stream": False}))
    hand = await house.claimed()
    await hand.writer.write_whole(b'{"id": "msg_1", "content": []}')
    await call
    view = await house.api.view(hand.job_id)
    assert (view["stream"], view["attached"]) == (False, True)
    assert view["message"] == {"id": "msg_1", "content": []}


@pytest.mark.parametrize(
    ("state", "code", "error_type"),
    [(State.FAILED, "worker_lost", "api_error"), (State.CANCELLED, "cancelled", "api_error")],
)
async def test_a_job_that_was_ended_by_name_shows_its_error(
    house: House, state: State, code: str, error_type: str
) -> None:
    """Its type, its sentence and its code; no message, whatever had been said."""
    hand = await submitted(house)
    await hand.says(*said.answer("a")[:3])
    await house.world.log.end(hand.job_id, None, state, code)
    view = await house.api.view(hand.job_id)
    assert (view["state"], view["message"]) == (state, None)
    assert (view["error"]["type"], view["error"]["code"]) == (error_type, code)
    assert view["error"]["message"]


@pytest.mark.parametrize("words", ["Overloaded", "the text id: job_ stands here", 'quote " and \n line'])
async def test_a_refused_job_shows_the_upstreams_words(house: House, words: str) -> None:
    """Also when they look like a frame's first line."""
    hand = await submitted(house)
    await hand.says(*said.answer("a")[:3])
    await hand.says(said.text("b"), said.error("overloaded_error", words), mark="failed", code="upstream_error")
    view = await house.api.view(hand.job_id)
    assert view["error"] == {"type": "overloaded_error", "message": words, "code": "upstream_error"}


async def test_a_done_job_without_a_message_shows_none(house: House) -> None:
    """Its events are there for whoever follows it."""
    hand = await submitted(house)
    await hand.says(said.STOP, mark="done")
    view = await house.api.view(hand.job_id)
    assert (view["state"], view["message"]) == ("done", None)


async def test_a_job_is_unknown_once_its_time_is_over(valkey: Valkey) -> None:
    """Record and log expire together."""
    async with open_house(valkey.url, keep_detached_s=1.0) as house:
        hand = await submitted(house)
        await hand.says(*said.answer("a"), mark="done")
        for key in (house.world.keys.record(hand.job_id), house.world.keys.log(hand.job_id)):
            assert 0 < await house.world.call("PTTL", key) <= 1000
            await house.world.call("PEXPIRE", key, 1)
        response = await house.api.send("GET", f"/v1/jobs/{hand.job_id}")
        while response.status_code == 200:
            response = await house.api.send("GET", f"/v1/jobs/{hand.job_id}")
        assert response.status_code == 404
