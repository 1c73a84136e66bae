"""worker/generate.py, when the upstream fails: unseen before content, an ending by name after it, refusals verbatim."""

import asyncio
import json

import pytest

from streamlog.lifecycle import State
from tests.streamlog.world import World
from tests.support import said
from tests.worker import wire
from tests.worker.calls import calling
from tests.worker.runs import PLAIN, WHOLE, Runner, in_turn, message, simulated, simulating, upstream_is
from tests.worker.wire import Reply, chunk, head
from worker.settings import WorkerSettings


@pytest.mark.parametrize(
    ("scenario", "code", "error_type"),
    [
        ("cut after=4", "upstream_cut", "api_error"),
        ("cut after=4 reset=1", "upstream_cut", "api_error"),
        ("no-message-stop", "upstream_cut", "api_error"),
        ("garbage after=7 tps=50", "upstream_garbled", "api_error"),
        ("error-mid-stream after=4 status=529", "upstream_error", "overloaded_error"),
    ],
)
async def test_a_failure_after_content_ends_the_job_by_name(
    world: World, scenario: str, code: str, error_type: str
) -> None:
    """After one call; what was said stays said, and the last frame is the error."""
    async with simulating() as (simulator, upstream):
        outcome = await Runner(world, upstream, WorkerSettings()).run(message(scenario))
        calls = simulator.ledger.newest(10)
    assert (outcome.record.state, outcome.record.code) == (State.FAILED, code)
    assert outcome.events[0].startswith(b"event: message_start")
    assert any(event.startswith(b"event: content_block_delta") for event in outcome.events)
    assert outcome.error["error"]["type"] == error_type
    assert len(calls) == 1


async def test_a_stall_after_content_ends_the_job_by_name(world: World) -> None:
    """Within the limit for silence, and the upstream's connection is closed."""
    reply = wire.silent(head(), chunk(said.start() + said.text("Hello")))
    async with upstream_is(world, reply, idle_s=0.2) as (runner, served):
        outcome = await runner.run(PLAIN)
        await asyncio.wait_for(served.left.wait(), 1)
    assert outcome.record.code == "upstream_stalled"
    assert outcome.error["error"]["type"] == "timeout_error"
    assert outcome.error["error"]["details"] == {"error_code": "upstream_stalled"}
    assert outcome.error["request_id"] == outcome.record.request_id
    assert len(served.requests) == 1


async def test_usage_of_a_cut_answer_is_in_the_record(world: World) -> None:
    """What `message_start` reported has been used."""
    async with simulated(world) as runner:
        outcome = await runner.run(message("cut after=4"))
    assert outcome.record.usage["output_tokens"] == 1
    assert outcome.record.usage["input_tokens"] > 0


@pytest.mark.parametrize(
    ("scenario", "calls"),
    [
        ("error status=529 then-ok=1 events=3", 2),
        ("error status=500 then-ok=2 events=3", 3),
        ("error status=429 retry-after=0 then-ok=1 events=3", 2),
        ("error-first then-ok=1 events=3", 2),
    ],
)
async def test_a_failure_before_content_that_passes_is_unseen(
    world: World, quick: None, scenario: str, calls: int
) -> None:
    """The log holds the answer of the call that succeeded, from number 1 on, and nothing else."""
    async with simulating() as (simulator, upstream):
        outcome = await Runner(world, upstream, WorkerSettings()).run(message(scenario))
        assert len(simulator.ledger.newest(10)) == calls
    assert (outcome.record.state, outcome.record.refusal) == (State.DONE, None)
    assert outcome.head["status"] == 200
    assert len([event for event in outcome.events if event.startswith(b"event: message_start")]) == 1
    assert not any(event.startswith(b"event: error") for event in outcome.events)


@pytest.mark.parametrize(
    "failing",
    [
        wire.broken(),
        wire.broken(head(), chunk(said.start() + said.BLOCK)),
        wire.streamed(said.start()),
        wire.streamed(said.start(), b"garbage\n\n"),
        wire.silent(head(), chunk(said.start())),
    ],
    ids=["no head", "cut", "no message_stop", "garbage", "stall"],
)
async def test_a_break_before_content_that_passes_is_unseen(world: World, quick: None, failing: Reply) -> None:
    """What the broken call had begun to say is forgotten with it."""
    reply = in_turn(failing, wire.streamed(*said.answer("right")))
    async with upstream_is(world, reply, idle_s=0.3) as (runner, served):
        outcome = await runner.run(PLAIN)
    assert outcome.events == said.answer("right")
    assert len(served.requests) == 2


async def test_an_upstream_that_stays_broken_is_called_three_times(world: World, quick: None) -> None:
    """Then the job has failed by name, with one frame, which is the error."""
    async with upstream_is(world, wire.broken(head(), chunk(said.start()))) as (runner, served):
        outcome = await runner.run(PLAIN)
    assert (outcome.record.state, outcome.record.code) == (State.FAILED, "upstream_cut")
    assert len(outcome.events) == 1
    assert outcome.error["error"]["details"] == {"error_code": "upstream_cut"}
    assert len(served.requests) == 3


async def test_an_upstream_that_is_not_there_is_named(world: World, quick: None) -> None:
    """Nobody listens where the key's address points."""
    async with calling("http://127.0.0.1:9") as upstream:
        outcome = await Runner(world, upstream, WorkerSettings()).run(PLAIN)
    assert (outcome.record.state, outcome.record.code) == (State.FAILED, "upstream_unreachable")


async def test_a_repeat_that_would_start_after_the_hold_is_not_made(world: World) -> None:
    """The client gets the status itself while its head is held."""
    reply = wire.whole(529, b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}', retry_after="3")
    async with upstream_is(world, reply) as (runner, served):
        outcome = await runner.run(PLAIN, hold_s=2.0)
    assert outcome.record.code == "upstream_error"
    assert len(served.requests) == 1


async def test_a_call_that_does_not_stream_is_not_repeated_after_the_hold(world: World, quick: None) -> None:
    """Its client can act on the status at any time."""
    async with upstream_is(world, wire.whole(503, b"busy")) as (runner, served):
        await runner.run(WHOLE, hold_s=0.0)
    assert len(served.requests) == 1


async def test_a_refusal_is_stored_as_it_was(world: World) -> None:
    """Status, headers and body byte for byte in the record; in the log as one line of JSON."""
    body = (
        b'{"type": "error",\n "error": {"type": "invalid_request_error", "message": "m\xc3\xa9"},\n "request_id": "r"}'
    )
    reply = wire.whole(400, body, request_id="req_up", content_type="application/json")
    async with upstream_is(world, reply) as (runner, served):
        outcome = await runner.run(PLAIN)
    record = outcome.record
    assert (record.state, record.code, record.refusal) == (State.FAILED, "upstream_error", body)
    assert record.response == {
        "status": 400,
        "headers": {"request-id": "req_up", "content-type": "application/json"},
    }
    assert outcome.error == json.loads(body)
    assert len(served.requests) == 1


@pytest.mark.parametrize(
    "body", [b"<html>\n<b>502</b>\r\n</html>", b"", b"\xff\xfe", b'{"message": "no error"}', b"[]"]
)
async def test_a_refusal_that_is_no_anthropic_error_is_wrapped_in_the_log(
    world: World, quick: None, body: bytes
) -> None:
    """As `api_error`, on one line; the record keeps it as it was."""
    async with upstream_is(world, wire.whole(502, body)) as (runner, _):
        outcome = await runner.run(PLAIN)
    assert outcome.record.refusal == body
    assert outcome.error["error"]["type"] == "api_error"
    assert outcome.error["error"]["message"]
    assert outcome.error["error"]["details"] == {"error_code": "upstream_error"}


async def test_an_error_event_before_content_counts_as_the_status_that_it_stands_for(world: World) -> None:
    """An invalid request is not repeated, and can be answered as 400."""
    reply = wire.streamed(said.start(), said.error("invalid_request_error", "no"))
    async with upstream_is(world, reply) as (runner, served):
        outcome = await runner.run(PLAIN)
    assert outcome.record.response["status"] == 400
    assert outcome.record.response["headers"]["content-type"] == "application/json"
    assert json.loads(outcome.record.refusal or b"")["error"]["type"] == "invalid_request_error"
    assert len(served.requests) == 1


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (wire.broken(head(content_length="10"), b"{}"), "upstream_cut"),
        (wire.silent(head(content_length="10"), b"{}"), "upstream_stalled"),
        (wire.silent(head(content_length="10")), "upstream_stalled"),
    ],
)
async def test_an_answer_without_streaming_that_breaks_off_is_asked_for_again(
    world: World, quick: None, reply: Reply, code: str
) -> None:
    """Three times in all, since nothing was delivered; silence after the head is a stall."""
    async with upstream_is(world, reply) as (runner, served):
        runner.settings = WorkerSettings(upstream_idle_s=0.2)
        outcome = await asyncio.wait_for(runner.run(WHOLE), 4)
    assert (outcome.record.state, outcome.record.code) == (State.FAILED, code)
    assert len(served.requests) == 3


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"\xff"])
async def test_a_whole_answer_that_is_none_is_not_paid_for_twice(world: World, quick: None, body: bytes) -> None:
    """It was complete, though useless: one call, and an ending by name."""
    async with upstream_is(world, wire.whole(200, body)) as (runner, served):
        outcome = await runner.run(WHOLE)
    assert (outcome.record.state, outcome.record.code) == (State.FAILED, "upstream_garbled")
    assert len(served.requests) == 1
