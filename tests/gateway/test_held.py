"""gateway/held.py: the head is held until content, a refusal or the end of the hold, so that the status is honest."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from streamlog.lifecycle import State
from tests.gateway.house import MESSAGE, Hand, House, open_house
from tests.support import said
from tests.support.api import Stream
from tests.support.facts import until
from tests.support.sse import joined
from tests.support.valkey import Valkey

HEAD = {
    "status": 200,
    "headers": {"request-id": "req_up", "anthropic-ratelimit-tokens-remaining": "7", "content-type": "x/y"},
}
REFUSAL = b'{"type": "error",\n "error": {"type": "rate_limit_error", "message": "m"}, "request_id": "req_up"}'
WHOLE = MESSAGE | {"stream": False}


async def opened(house: House, message: dict[str, Any] = MESSAGE) -> "asyncio.Task[Stream]":
    """A call whose answer is read to its end meanwhile."""
    return asyncio.create_task(house.api.answer(message))


async def refused(hand: Hand, status: int, body: bytes, **headers: str) -> None:
    """What a worker does with an upstream's refusal."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    fields = ("response", json.dumps({"status": status, "headers": named}), "refusal", body)
    await hand.says(b"event: error\ndata: {}\n\n", mark="failed", code="upstream_error", fields=fields)


async def test_content_commits_the_head_with_all_that_was_held(house: House) -> None:
    """200 and the frames, byte for byte as they are in the log, with nothing before them."""
    call = await opened(house)
    hand = await house.claimed()
    hand.writer.head = json.dumps(HEAD).encode()
    await hand.says(*said.answer("Hello")[:3])
    await hand.says(*said.answer("Hello")[3:], mark="done")
    stream = await call
    assert stream.response.status_code == 200
    assert [event.name for event in stream.events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert joined(stream.events) == await house.world.frames(hand.job_id)


async def test_a_streams_headers(house: House) -> None:
    """The upstream's request id and limits, the job, and what keeps every box in between from holding events back."""
    call = await opened(house)
    hand = await house.claimed()
    hand.writer.head = json.dumps(HEAD).encode()
    await hand.says(*said.answer("a"), mark="done")
    headers = (await call).response.headers
    assert headers["request-id"] == "req_up"
    assert headers["anthropic-ratelimit-tokens-remaining"] == "7"
    assert headers["sluice-job-id"] == hand.job_id
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers


@pytest.mark.parametrize("message", [MESSAGE, WHOLE], ids=["stream", "whole"])
async def test_a_refusal_arrives_as_it_is(house: House, message: dict[str, Any]) -> None:
    """Its status, its headers, its body byte for byte, while the head is held; of a proxy's error page too."""
    for status, body, kind in ((429, REFUSAL, "application/json"), (502, b"<html>\xff</html>", "text/html")):
        call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=message))
        hand = await house.claimed()
        await refused(hand, status, body, content_type=kind, retry_after="7", request_id="req_up")
        response = await call
        assert (response.status_code, response.content) == (status, body)
        assert response.headers["content-type"] == kind
        assert response.headers["retry-after"] == "7"
        assert response.headers["request-id"] == "req_up"
        assert response.headers["sluice-job-id"] == hand.job_id


@pytest.mark.parametrize("message", [MESSAGE, WHOLE], ids=["stream", "whole"])
@pytest.mark.parametrize(
    ("code", "status", "error_type"),
    [
        ("upstream_cut", 502, "api_error"),
        ("upstream_stalled", 504, "timeout_error"),
        ("upstream_unreachable", 502, "api_error"),
        ("queue_timeout", 529, "overloaded_error"),
        ("worker_lost", 502, "api_error"),
        ("worker_stopping", 503, "overloaded_error"),
        ("request_lost", 500, "api_error"),
        ("run_timeout", 504, "timeout_error"),
    ],
)
async def test_a_named_ending_before_content_is_a_status(
    house: House, message: dict[str, Any], code: str, status: int, error_type: str
) -> None:
    """With its Anthropic body and a request id; where waiting helps it says so."""
    call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=message))
    hand = await house.claimed()
    await house.world.log.end(hand.job_id, hand.claim.attempt, State.FAILED, code)
    response = await call
    body = response.json()
    assert (response.status_code, body["error"]["type"]) == (status, error_type)
    assert body["error"]["details"] == {"error_code": code}
    assert body["request_id"] == response.headers["request-id"]
    assert ("retry-after" in response.headers) is (status in (503, 529))


async def test_after_the_hold_the_head_is_committed_and_pings_begin(brief: House) -> None:
    """200 with the headers that are known by then, a ping at once, then one in each silence."""
    async with brief.api.stream(MESSAGE) as stream:
        assert stream.response.status_code == 200
        assert stream.response.headers["sluice-job-id"].startswith("job_")
        assert stream.response.headers["request-id"].startswith("req_")
        first = await stream.until(lambda event: True)
        await stream.until(lambda event: event.name == "ping" and event is not first)
        assert {event.name for event in stream.events} == {"ping"}
        assert not any(event.id for event in stream.events)


async def test_the_hold_lasts_as_long_as_it_says(brief: House) -> None:
    """Nothing of the head comes before its end."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with brief.api.stream(MESSAGE):
        assert 0.28 < loop.time() - began < 1.5


async def test_headers_known_before_content_are_sent_after_the_hold(brief: House) -> None:
    """The upstream has answered, its first token takes longer than the hold."""
    call = asyncio.create_task(_first_head(brief))
    hand = await brief.claimed()
    hand.writer.note(["response", json.dumps(HEAD)])
    headers = await call
    assert headers["request-id"] == "req_up"
    assert headers["anthropic-ratelimit-tokens-remaining"] == "7"


async def test_pings_tell_the_queue_position_while_the_job_waits(brief: House) -> None:
    """And no longer once it runs; after content they are Claude's own words."""
    before = [await brief.world.submit() for _ in range(2)]
    async with brief.api.stream(MESSAGE) as stream:
        waiting = await stream.until(lambda event: event.name == "ping")
        assert waiting.json == {"type": "ping", "queue_position": len(before)}
        for _ in before:
            await brief.claimed()
        next_one = await stream.until(lambda event: event.json.get("queue_position") == 0)
        assert next_one.name == "ping"
        hand = await brief.claimed()
        running = await stream.until(lambda event: "queue_position" not in event.json)
        assert running.data == b'{"type": "ping"}'
        await hand.says(said.start(), said.text("a"))
        await stream.until(lambda event: event.name == "content_block_delta")
        silent = await stream.until(lambda event: event.name == "ping")
        assert (silent.id, silent.data) == ("", b'{"type": "ping"}')
        await hand.says(said.STOP, mark="done")
        await stream.rest()
    assert stream.events[-1].name == "message_stop"


async def test_after_the_hold_a_failure_is_an_event(brief: House) -> None:
    """In the upstream's own words, on one line, as the last event."""
    async with brief.api.stream(MESSAGE) as stream:
        hand = await brief.claimed()
        body = json.dumps(json.loads(REFUSAL)).encode()
        await hand.says(b"event: error\ndata: " + body + b"\n\n", mark="failed", code="upstream_error")
        await stream.rest()
    assert stream.response.status_code == 200
    assert (stream.events[-1].name, stream.events[-1].json) == ("error", json.loads(REFUSAL))


async def test_after_content_a_failure_is_an_event(brief: House) -> None:
    """What was said stays said."""
    async with brief.api.stream(MESSAGE) as stream:
        hand = await brief.claimed()
        await hand.says(said.start(), said.text("a"))
        await brief.world.log.end(hand.job_id, hand.claim.attempt, State.FAILED, "worker_lost")
        await stream.rest()
    assert [event.name for event in stream.events if event.name != "ping"] == [
        "message_start",
        "content_block_delta",
        "error",
    ]
    assert stream.events[-1].error_code == "worker_lost"


async def test_content_and_failure_in_one_chunk_are_a_stream(house: House) -> None:
    """Only an ending without content can be a status."""
    call = await opened(house)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"), said.error(), mark="failed", code="upstream_error")
    stream = await call
    assert stream.response.status_code == 200
    assert [event.name for event in stream.events] == ["message_start", "content_block_delta", "error"]


async def test_a_requeue_before_content_is_unseen(house: House) -> None:
    """The second attempt's frames are all that the client gets."""
    call = await opened(house)
    first = await house.claimed()
    await house.world.claims().release(first.job_id, first.claim.attempt, give_back=True)
    second = await house.claimed()
    assert second.job_id == first.job_id
    await second.says(*said.answer("a"), mark="done")
    stream = await call
    assert [event.name for event in stream.events if event.id] == [
        event.split(b"\n")[0].removeprefix(b"event: ").decode() for event in said.answer("a")
    ]
    assert stream.events[-1].id == f"{second.job_id}:{second.claim.attempt}-6"


async def test_an_answer_without_streaming_is_passed_on_unchanged(brief: House) -> None:
    """Body byte for byte, the upstream's headers, as JSON, however long it took."""
    body = b'{"id": "msg_1",\n "usage": {"input_tokens": 3}, "f": 1.0}\n'
    call = asyncio.create_task(brief.api.send("POST", "/v1/messages", json=WHOLE))
    hand = await brief.claimed()
    hand.writer.head = json.dumps(HEAD).encode()
    await asyncio.sleep(0.5)  # longer than the hold: for this kind it has no end
    await hand.writer.write_whole(body)
    response = await call
    assert (response.status_code, response.content) == (200, body)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["request-id"] == "req_up"
    assert response.headers["anthropic-ratelimit-tokens-remaining"] == "7"
    assert response.headers["sluice-job-id"] == hand.job_id


async def test_a_cancelled_job_answers_its_waiting_client(house: House) -> None:
    """With a status nobody retries."""
    for message in (MESSAGE, WHOLE):
        call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=message))
        hand = await house.claimed()
        await house.api.cancel(hand.job_id)
        response = await call
        assert response.status_code == 499
        assert response.json()["error"]["details"] == {"error_code": "cancelled"}


async def test_without_a_hold_the_head_goes_out_at_once(valkey: Valkey) -> None:
    """For clients that want it so."""
    async with open_house(valkey.url, hold_s=0.0) as house, house.api.stream(MESSAGE) as stream:
        assert stream.response.status_code == 200
        assert await house.queued() == 1


async def test_a_redis_that_goes_away_while_the_head_is_held_is_503() -> None:
    """With `retry-after`, and not a hang."""
    valkey = Valkey()
    try:
        async with open_house(valkey.url, hold_s=1.0, redis_timeout_s=0.3) as house:
            call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE))
            await house.subscribers(1)
            valkey.kill()
            response = await call
            assert response.status_code == 503
            assert response.json()["error"]["details"] == {"error_code": "redis_unavailable"}
            assert response.headers["retry-after"] == "1"
            valkey.start()
            await until(lambda: house.world.line.connected)
    finally:
        valkey.close()


async def _first_head(house: House) -> httpx2.Headers:
    async with house.api.stream(MESSAGE) as stream:
        return stream.response.headers
