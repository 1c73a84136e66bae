"""worker/generate.py, what it announces: each call, its usage, its times, and the job's end, once."""

import asyncio

from streamlog.writer import Writer
from tests.streamlog.world import World
from tests.support import said
from tests.support.facts import until
from tests.support.series import Moved
from tests.worker import wire
from tests.worker.runs import PLAIN, in_turn, upstream_is
from tests.worker.wire import chunk, head


async def test_a_done_job_announces_its_call_its_tokens_and_its_end(world: World, moved: Moved) -> None:
    """Each once; the times of content as often as chunks were read."""
    events = [
        said.start(input_tokens=7, cache_read_input_tokens=2),
        said.text("a"),
        said.delta(output_tokens=5),
        said.STOP,
    ]
    async with upstream_is(world, wire.streamed(b"".join(events))) as (runner, _):
        await runner.run(PLAIN)
    assert moved() == {
        ("sluice_upstream_calls_total", "status=200"): 1,
        ("sluice_upstream_time_to_first_token_seconds_count",): 1,
        ("sluice_jobs_total", "ending=done"): 1,
        ("sluice_stream_duration_seconds_count", "ending=done"): 1,
        ("sluice_usage_records_total", "provenance=reported"): 1,
        ("sluice_tokens_total", "type=input"): 7,
        ("sluice_tokens_total", "type=output"): 5,
        ("sluice_tokens_total", "type=cache_read"): 2,
    }


async def test_each_call_is_announced_once_with_its_own_usage(world: World, quick: None, moved: Moved) -> None:
    """A refusal, a cut after its head, then the answer: three calls, two of which used tokens."""
    replies = (
        wire.whole(529, b"{}"),
        wire.broken(head(), chunk(said.start(input_tokens=3))),
        wire.streamed(said.start(input_tokens=4) + said.text("a") + said.delta(output_tokens=5) + said.STOP),
    )
    async with upstream_is(world, in_turn(*replies)) as (runner, _):
        await runner.run(PLAIN)
    assert moved.by("sluice_upstream_calls_total", "status=529") == 1
    assert moved.by("sluice_upstream_calls_total", "status=200") == 2
    assert moved.by("sluice_upstream_calls_total", "status=error") == 0
    assert moved.by("sluice_usage_records_total", "provenance=partly_reported") == 1
    assert moved.by("sluice_usage_records_total", "provenance=reported") == 1
    assert moved.by("sluice_tokens_total", "type=input") == 7
    assert moved.by("sluice_jobs_total", "ending=done") == 1


async def test_a_call_without_any_status_is_announced_as_error(world: World, quick: None, moved: Moved) -> None:
    """And the job as failed, once."""
    async with upstream_is(world, wire.broken()) as (runner, _):
        await runner.run(PLAIN)
    assert moved() == {
        ("sluice_upstream_calls_total", "status=error"): 3,
        ("sluice_jobs_total", "ending=failed"): 1,
        ("sluice_stream_duration_seconds_count", "ending=failed"): 1,
    }


async def written(writer: Writer, number: int) -> None:
    await until(lambda: writer.number >= number)


async def test_gaps_between_content_chunks_are_announced(world: World, moved: Moved) -> None:
    """One less than chunks that were read."""
    gone_on = [asyncio.Event() for _ in range(3)]

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head() + chunk(said.start()))
        for event, go_on in zip((said.text("a"), said.text("b"), said.STOP), gone_on, strict=True):
            await go_on.wait()
            writer.write(chunk(event))
        writer.write(chunk(b""))

    async with upstream_is(world, reply) as (runner, _):
        claim, writer = await runner.claimed(PLAIN)
        running = asyncio.create_task(runner.go(claim, writer))
        for number, go_on in zip((2, 3, 4), gone_on, strict=True):
            go_on.set()
            await written(writer, number)
        await running
    assert moved.by("sluice_upstream_time_to_first_token_seconds_count") == 1
    assert moved.by("sluice_inter_token_seconds_count") == 2
