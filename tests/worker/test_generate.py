"""worker/generate.py: a job ends by name or is left to the sweep; its frames are the upstream's bytes."""

import asyncio
import hashlib

import pytest

from streamlog.jobs import Request
from streamlog.lifecycle import State
from tests.streamlog.world import World
from tests.support import said
from tests.support.facts import true, until
from tests.worker import wire
from tests.worker.runs import PLAIN, WHOLE, message, simulated, upstream_is
from tests.worker.wire import chunk, head


async def test_a_complete_answer_is_done_and_its_frames_are_its_bytes(world: World) -> None:
    """Each event under its number, nothing added, nothing lost."""
    events = [said.start(), said.PING, said.BLOCK, said.text("Hello"), said.PING, said.BLOCK_END, said.STOP]
    pieces = [event[:9] for event in events], [event[9:] for event in events]
    reply = wire.streamed(*(piece for pair in zip(*pieces, strict=True) for piece in pair))
    async with upstream_is(world, reply) as (runner, _):
        outcome = await runner.run(PLAIN)
    assert outcome.events == events
    assert (outcome.record.state, outcome.record.code) == (State.DONE, "")


@pytest.mark.parametrize(
    "scenario", ["text", "thinking", "tools", "server-tools", "citations", "multibyte", "crlf", "pings", "empty"]
)
async def test_every_kind_of_answer_is_done(world: World, scenario: str) -> None:
    """From `message_start` to `message_stop`."""
    async with simulated(world) as runner:
        outcome = await runner.run(message(scenario))
    assert outcome.record.state is State.DONE
    assert outcome.events[0].startswith(b"event: message_start")
    assert outcome.events[-1].startswith(b"event: message_stop")


async def test_an_answer_in_single_bytes_is_the_same_answer(world: World) -> None:
    """However the upstream writes."""
    async with simulated(world) as runner:
        one = await runner.run(message("one-byte-writes events=3"))
    assert one.record.state is State.DONE
    assert [event.split(b"\n")[0] for event in one.events] == [
        b"event: message_start",
        b"event: content_block_start",
        b"event: ping",
        *[b"event: content_block_delta"] * 3,
        b"event: content_block_stop",
        b"event: message_delta",
        b"event: message_stop",
    ]


async def test_what_came_before_content_is_written_with_it_in_one_chunk(world: World) -> None:
    """Before content the log is empty, though status and headers are known; then the first chunk begins with all."""
    more = asyncio.Event()

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head(request_id="req_up") + chunk(said.start()) + chunk(said.BLOCK))
        await more.wait()
        for event in (said.text("Hello"), said.STOP):
            writer.write(chunk(event))
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(chunk(b""))

    async with upstream_is(world, reply) as (runner, _):
        claim, writer = await runner.claimed(PLAIN)
        running = asyncio.create_task(runner.go(claim, writer))
        await true(lambda: _answered(world, claim.job_id))
        before = await runner.outcome(claim)
        assert (before.chunks, before.record.content_us) == ([], 0)
        assert before.record.response == {"status": 200, "headers": {"request-id": "req_up"}}
        more.set()
        await running
        after = await runner.outcome(claim)
    first = b"".join(after.events[:3])
    assert first == said.start() + said.BLOCK + said.text("Hello")
    assert after.chunks[0].count(b"\nevent: ") >= 3
    assert after.record.content_us > 0


async def test_usage_and_headers_are_kept(world: World) -> None:
    """As Claude reports them, cache figures included: usage in the record, the head beside the first content."""
    async with simulated(world) as runner:
        outcome = await runner.run(message("cache created=7 read=9 events=4"))
    usage = outcome.record.usage
    assert (usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]) == (7, 9)
    assert usage["output_tokens"] == 4
    assert outcome.head["status"] == 200
    assert outcome.head["headers"]["request-id"].startswith("req_")
    assert "anthropic-ratelimit-requests-remaining" in outcome.head["headers"]


async def test_usage_is_in_the_record_with_the_first_content(world: World) -> None:
    """So that it is known of a job whose worker is lost."""
    reply = wire.silent(head(), chunk(said.start(input_tokens=7) + said.text("Hello")))
    async with upstream_is(world, reply) as (runner, _):
        claim, writer = await runner.claimed(PLAIN)
        running = asyncio.create_task(runner.go(claim, writer))
        await until(lambda: writer.begun)
        assert (await world.record(claim.job_id)).usage == {"input_tokens": 7}
        running.cancel()


async def test_usage_is_in_the_record_before_any_content(world: World) -> None:
    """A prompt has been paid for though its listeners leave before the first word."""
    reply = wire.silent(head(), chunk(said.start(input_tokens=7)))
    async with upstream_is(world, reply) as (runner, _):
        claim, writer = await runner.claimed(PLAIN)
        running = asyncio.create_task(runner.go(claim, writer))

        async def noted() -> bool:
            return (await world.record(claim.job_id)).usage == {"input_tokens": 7}

        await true(noted)
        assert not writer.begun
        assert await world.call("HGET", world.keys.record(claim.job_id), "used") == b"7"
        running.cancel()


async def test_the_request_reaches_the_upstream_as_it_was(world: World) -> None:
    """Body, path with query and headers, and a body too large to travel with the claim."""
    body = b'{"stream": true, "padding": "' + b"x" * 200_000 + b'"}'
    asked = Request("POST", "/v1/messages?beta=true", {"anthropic-beta": "b"}, body, "claude-x", True)
    async with upstream_is(world, wire.streamed(*said.answer("a"))) as (runner, served):
        outcome = await runner.run(asked)
    (received,) = served.requests
    assert outcome.record.state is State.DONE
    assert hashlib.sha256(received.body).digest() == hashlib.sha256(body).digest()
    assert received.line.startswith("POST /v1/messages?beta=true ")
    assert received.headers["anthropic-beta"] == "b"


async def test_an_answer_without_streaming_is_one_frame_unchanged(world: World) -> None:
    """The very bytes, without an id line; its usage in the record."""
    body = b'{"id": "msg_1",\n "usage": {"input_tokens": 3, "output_tokens": 4}, "x": 1.0}\n'
    async with upstream_is(world, wire.whole(200, body, request_id="req_up")) as (runner, _):
        outcome = await runner.run(WHOLE)
    assert outcome.chunks == [body]
    assert outcome.record.state is State.DONE
    assert outcome.record.last.number == 1
    assert outcome.record.usage == {"input_tokens": 3, "output_tokens": 4}
    assert outcome.head["headers"]["request-id"] == "req_up"


@pytest.mark.parametrize("body", [b'{"x": 1}', b'{"usage": null}', b'{"usage": 5}'])
async def test_an_answer_without_usage_is_an_answer(world: World, body: bytes) -> None:
    """Figures are not worth an answer."""
    async with upstream_is(world, wire.whole(200, body)) as (runner, _):
        outcome = await runner.run(WHOLE)
    assert (outcome.record.state, outcome.chunks, outcome.record.usage) == (State.DONE, [body], {})


async def _answered(world: World, job_id: str) -> bool:
    return bool((await world.record(job_id)).response)
