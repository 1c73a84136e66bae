"""gateway/followed.py and the follow route: whoever comes back gets every later frame once, or hears why not."""

import asyncio

import httpx2
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from streamlog.lifecycle import State
from tests.gateway.house import MESSAGE, Hand, House, open_house
from tests.support import said
from tests.support.api import Api, Stream
from tests.support.series import Moved
from tests.support.sse import frames, joined
from tests.support.valkey import Valkey

UNKNOWN = "job_" + "x" * 22


async def detached(house: House) -> Hand:
    """A claimed job that nobody follows yet."""
    await house.api.submit(MESSAGE)
    return await house.claimed()


async def ended(house: House, *words: str) -> Hand:
    """A job that is done, said in three chunks."""
    hand = await detached(house)
    events = said.answer(*words)
    await hand.says(*events[:3])
    await hand.says(*events[3:-1])
    await hand.says(events[-1], mark="done")
    return hand


def event_id(hand: Hand, number: int) -> str:
    return f"{hand.job_id}:{hand.claim.attempt}-{number}"


async def events_at(house: House, hand: Hand, **options: dict[str, str]) -> httpx2.Response:
    return await house.api.send("GET", f"/v1/jobs/{hand.job_id}/events", **options)


async def test_a_follower_without_a_position_gets_everything(house: House) -> None:
    """Of an ended job from its log, byte for byte, with the headers that keep a stream a stream."""
    hand = await ended(house, "a", "b")
    stream = await house.api.followed(hand.job_id)
    assert b"".join(event.raw for event in stream.events) == await house.world.frames(hand.job_id)
    headers = stream.response.headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert headers["sluice-job-id"] == hand.job_id
    assert headers["request-id"].startswith("req_")


async def test_a_live_follower_gets_what_is_written_meanwhile(house: House) -> None:
    """From before the first frame to the ending, with a ping in each silence."""
    hand = await detached(house)
    async with house.api.follow(hand.job_id) as stream:
        ping = await stream.until(lambda event: event.name == "ping")
        assert ping.id == ""
        for event in said.answer("a", "b"):
            await hand.says(event, mark="done" if event == said.STOP else "")
        await stream.rest()
    assert joined(stream.events) == await house.world.frames(hand.job_id)
    assert len(frames(stream.events)) == len(said.answer("a", "b"))


@pytest.mark.parametrize("where", ["header", "full id in the query", "position in the query"])
async def test_a_follower_resumes_after_its_position(house: House, where: str) -> None:
    """By `Last-Event-ID`, or by `?after=` in either form; across every chunk of the log."""
    hand = await ended(house, "a", "b")
    whole = (await house.api.followed(hand.job_id)).events
    for number in range(1, len(whole)):
        position = f"{hand.claim.attempt}-{number}"
        options: dict[str, dict[str, str]] = {
            "header": {"headers": {"last-event-id": event_id(hand, number)}},
            "full id in the query": {"params": {"after": event_id(hand, number)}},
            "position in the query": {"params": {"after": position}},
        }[where]
        response = await events_at(house, hand, **options)
        assert response.content == b"".join(event.raw for event in whole[number:])


async def test_the_header_comes_before_the_query(house: House) -> None:
    """An `EventSource` re-opens its first address with a newer `Last-Event-ID`."""
    hand = await ended(house, "a")
    response = await events_at(
        house, hand, headers={"last-event-id": event_id(hand, 5)}, params={"after": event_id(hand, 1)}
    )
    assert response.content.startswith(b"id: " + event_id(hand, 6).encode())


async def test_a_live_follower_that_resumes_goes_on_live(house: House) -> None:
    """What it missed from the log, what comes after from the channel, no frame twice."""
    hand = await detached(house)
    events = said.answer("a", "b", "c")
    await hand.says(*events[:4])
    async with house.api.follow(hand.job_id, event_id(hand, 2)) as stream:
        await stream.until(lambda event: event.id == event_id(hand, 4))
        await hand.says(*events[4:], mark="done")
        await stream.rest()
    assert [event.id for event in frames(stream.events)] == [
        event_id(hand, number) for number in range(3, len(events) + 1)
    ]


async def test_a_follower_with_nothing_left_gets_204(house: House) -> None:
    """So that an `EventSource` stops asking; for a failed and a cancelled job too."""
    done = await ended(house, "a")
    response = await events_at(house, done, headers={"last-event-id": event_id(done, 6)})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["sluice-job-id"] == done.job_id
    cancelled = await detached(house)
    await house.api.cancel(cancelled.job_id)
    (ending,) = (await house.api.followed(cancelled.job_id)).events
    response = await events_at(house, cancelled, headers={"last-event-id": ending.id})
    assert response.status_code == 204


@pytest.mark.parametrize("position", ["banana", "1-", "-1", "job_x:1-1", "1-1-1", UNKNOWN + ":", "01-1", "1-1\u0661"])
@pytest.mark.parametrize("known", [True, False])
async def test_a_malformed_position_is_400(house: House, position: str, known: bool) -> None:
    """Whether or not the job is known; the sentence says what a position looks like."""
    job_id = await house.api.submit(MESSAGE) if known else UNKNOWN
    response = await house.api.send("GET", f"/v1/jobs/{job_id}/events", params={"after": position})
    assert response.status_code == 400
    assert response.json()["error"]["details"] == {"error_code": "malformed_position"}
    assert "<attempt>-<number>" in response.json()["error"]["message"]


async def test_a_position_of_another_job_is_lost_at_once(house: House) -> None:
    """200 and `event: error`, never that job's frames, never all of this one's."""
    one, two = await ended(house, "a"), await ended(house, "b")
    alike = f"{UNKNOWN}:{one.claim.attempt}-3"  # but for its job it is a position that this log holds
    for position in (event_id(two, 3), alike):
        await lost(await events_at(house, one, headers={"last-event-id": position}))


@pytest.mark.parametrize("number", [0, 7, 9_999_999])
async def test_a_position_that_the_log_does_not_hold_is_lost_at_once(house: House, number: int) -> None:
    """Ahead of the log, or before its first frame; also while the job runs."""
    done, running = await ended(house, "a"), await detached(house)
    await running.says(*said.answer("a")[:3])
    for hand in (done, running):
        response = await asyncio.wait_for(events_at(house, hand, headers={"last-event-id": event_id(hand, number)}), 2)
        await lost(response)


async def test_a_position_of_another_attempt_is_lost_at_once(house: House) -> None:
    """Two different answers never share a position."""
    hand = await ended(house, "a")
    for attempt in (hand.claim.attempt - 1, hand.claim.attempt + 1, 0):
        response = await events_at(house, hand, headers={"last-event-id": f"{hand.job_id}:{attempt}-2"})
        await lost(response)


async def test_a_job_that_waits_is_followed_with_its_queue_position(house: House) -> None:
    """From before its claim on."""
    job_id = await house.api.submit(MESSAGE)
    async with house.api.follow(job_id) as stream:
        ping = await stream.until(lambda event: event.name == "ping")
        assert ping.json == {"type": "ping", "queue_position": 0}


@pytest.mark.parametrize("code", ["worker_lost", "cancelled"])
async def test_a_named_ending_is_the_last_event(house: House, code: str) -> None:
    """Under a new attempt, as frame 1, with the job's request id in its body."""
    hand = await detached(house)
    await hand.says(*said.answer("a")[:3])
    async with house.api.follow(hand.job_id) as stream:
        await stream.until(lambda event: event.number == 3)
        state = State.CANCELLED if code == "cancelled" else State.FAILED
        await house.world.log.end(hand.job_id, hand.claim.attempt, state, code)
        await stream.rest()
    assert stream.events[-1].error_code == code
    assert stream.events[-1].number == 1
    record = await house.world.record(hand.job_id)
    assert stream.events[-1].json["request_id"] == record.request_id


async def test_a_job_that_does_not_stream_cannot_be_followed(house: House) -> None:
    """The sentence says where its answer is."""
    call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE | {"stream": False}))
    hand = await house.claimed()
    response = await events_at(house, hand)
    assert response.status_code == 400
    assert "GET /v1/jobs/{id}" in response.json()["error"]["message"]
    await hand.writer.write_whole(b"{}")
    await call


async def test_a_stream_of_messages_is_followed_elsewhere(brief: House) -> None:
    """A client that was cut off resumes on the job's own address, and its job was never asked for twice."""
    async with brief.api.stream(MESSAGE) as stream:
        hand = await brief.claimed()
        await hand.says(*said.answer("a", "b")[:4])
        cut = await stream.until(lambda event: event.id == event_id(hand, 3))
    resumed = asyncio.create_task(brief.api.followed(hand.job_id, cut.id))
    await hand.says(*said.answer("a", "b")[4:], mark="done")
    assert joined(stream.events) + joined((await resumed).events) == await brief.world.frames(hand.job_id)


@pytest.mark.parametrize("pubsub", [True, False])
async def test_ten_followers_get_the_same_bytes(valkey: Valkey, pubsub: bool) -> None:
    """Early ones, late ones, and one that came when all was over; with pub/sub and without."""
    async with open_house(valkey.url, pubsub=pubsub) as house:
        hand = await detached(house)
        events = said.answer(*"abcdefgh")
        followers: list[asyncio.Task[Stream]] = []
        for at, event in enumerate(events):
            if at < 9:
                followers.append(asyncio.create_task(house.api.followed(hand.job_id)))
            await hand.says(event, mark="done" if event == said.STOP else "")
        followers.append(asyncio.create_task(house.api.followed(hand.job_id)))
        log = await house.world.frames(hand.job_id)
        assert [joined((await follower).events) for follower in followers] == [log] * 10


async def test_followers_are_not_timed_and_resumes_are_counted(house: House, moved: Moved) -> None:
    """Time to first token is the first subscriber's alone."""
    hand = await ended(house, "a")
    await house.api.followed(hand.job_id)
    await house.api.followed(hand.job_id, event_id(hand, 2))
    assert moved.by("sluice_time_to_first_token_seconds_count") == 0
    assert moved.by("sluice_replays_total", "reason=resume") == 1
    assert moved.by("sluice_subscribers") == 0


async def test_a_redis_that_goes_away_ends_the_stream_by_name() -> None:
    """Within its timeout; who asks meanwhile gets a stream that says so, since an EventSource ends on any status."""
    valkey = Valkey()
    try:
        async with open_house(valkey.url, redis_timeout_s=0.3) as house:
            hand = await detached(house)
            await hand.says(*said.answer("a")[:3])
            async with house.api.follow(hand.job_id) as stream:
                await stream.until(lambda event: bool(event.id))
                valkey.kill()
                await asyncio.wait_for(stream.rest(), 10)
            assert stream.events[-1].error_code == "redis_unavailable"
            response = await events_at(house, hand)
            assert response.status_code == 200
            assert response.content.startswith(b"retry: 1000\nevent: error\n")
            assert b'"error_code":"redis_unavailable"' in response.content
            valkey.start()
    finally:
        valkey.close()


async def test_a_log_that_cannot_be_read_is_said_at_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a stream as well, also when Redis goes away between two questions."""
    hand = await ended(house, "a")

    async def unreachable(*_: object) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(house.service.log, "read", unreachable)
    response = await events_at(house, hand)
    assert response.status_code == 200
    assert b'"error_code":"redis_unavailable"' in response.content


async def test_a_stranger_cannot_follow(house: House) -> None:
    """The same 404 as for a job that never was."""
    hand = await ended(house, "a")
    async with Api(house.url, "another-key") as stranger:
        response = await stranger.send("GET", f"/v1/jobs/{hand.job_id}/events")
    unknown = await house.api.send("GET", f"/v1/jobs/{UNKNOWN}/events")
    assert (response.status_code, unknown.status_code) == (404, 404)
    assert response.json()["error"] == unknown.json()["error"]


async def lost(response: httpx2.Response) -> None:
    """The answer is a stream whose one event says that it cannot be continued."""
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.content.startswith(b"retry: 1000\nevent: error\ndata: ")
    assert response.content.count(b"\n\n") == 1
    assert b'"error_code":"stream_lost"' in response.content
    assert response.headers["request-id"].encode() in response.content
