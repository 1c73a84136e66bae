"""The writer: numbers its frames, asks the fence first, and holds what comes before content."""

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from streamlog.errors import InternalError
from streamlog.frames import MAX_CHUNK_BYTES
from streamlog.writer import MOST_SENT, Refused, Writer
from tests.streamlog.world import EVENT, World
from tests.support.facts import true
from tests.support.valkey import Valkey


async def test_a_fenced_writer_sends_nothing(world: World) -> None:
    """When the lease may have run out, the log is not even asked."""
    claim, _ = await world.running()
    writer = Writer(world.line, claim.job_id, claim.attempt, lambda: False)
    with pytest.raises(Refused) as refused:
        await writer.write([EVENT])
    assert refused.value.why == "fenced"
    assert not writer.begun
    assert await world.frames(claim.job_id) == b""


async def test_the_fence_is_asked_before_every_append(world: World) -> None:
    """A lease that runs out between two chunks stops the second."""
    claim, _ = await world.running()
    answers = iter([True, False])
    writer = Writer(world.line, claim.job_id, claim.attempt, lambda: next(answers))
    await writer.write([EVENT])
    with pytest.raises(Refused):
        await writer.write([EVENT], mark="done")
    assert await world.state(claim.job_id) == "running"


async def test_the_head_goes_with_the_first_chunk_only(world: World) -> None:
    """Status and headers of the upstream travel once."""
    claim, writer = await world.running()
    writer.head = b'{"status":200}'
    assert not writer.begun
    await writer.write([EVENT])
    assert writer.begun
    await writer.write([EVENT])
    heads = [chunk.head for chunk in (await world.log.read(claim.job_id)).chunks]
    assert heads == [b'{"status":200}', b""]


async def test_a_whole_answer_is_one_frame_with_the_body_unchanged(world: World) -> None:
    """A call that does not stream has no ids in its bytes, and ends with them."""
    claim, writer = await world.running()
    told = await writer.write_whole(b'{"type":"message"}\n', ["usage", '{"output_tokens":1}'])
    assert told is not None
    assert told[0] == "claude"
    (chunk,) = (await world.log.read(claim.job_id)).chunks
    assert (chunk.data, chunk.first, chunk.last, chunk.mark) == (b'{"type":"message"}\n', 1, 1, "done")
    record = await world.record(claim.job_id)
    assert (record.state, record.usage) == ("done", {"output_tokens": 1})


async def test_a_chunk_beyond_the_limit_is_refused_before_it_is_sent(world: World) -> None:
    """Redis is never given a command that blocks it for long; the writer can still end the job by name."""
    claim, writer = await world.running()
    with pytest.raises(InternalError) as refused:
        await writer.write([b"x" * MAX_CHUNK_BYTES])
    assert refused.value.code == "answer_too_large"
    await writer.write([EVENT], mark="failed", code="answer_too_large")
    assert (await world.record(claim.job_id)).last == (claim.attempt, 1)


async def test_a_refused_chunk_leaves_the_number_as_it_was(world: World) -> None:
    """What was not written is not counted."""
    claim, writer = await world.running()
    await writer.write([EVENT, EVENT])
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    with pytest.raises(Refused):
        await writer.write([EVENT])
    assert writer.number == 2


async def test_a_note_reaches_the_record(world: World) -> None:
    """Facts that nobody waits for arrive all the same."""
    claim, writer = await world.running()
    writer.note(["response", '{"status":200}'])

    async def arrived() -> bool:
        return (await world.record(claim.job_id)).response == {"status": 200}

    await true(arrived)


async def test_what_is_sent_stands_in_order_before_what_is_written(world: World) -> None:
    """Nobody waits for its answer, and the ending comes behind all of it."""
    claim, writer = await world.running()
    await writer.write([EVENT])
    for _ in range(3 * MOST_SENT):
        await writer.send([EVENT, EVENT])
    told = await writer.write([EVENT], mark="done")
    assert told is not None
    chunks = (await world.log.read(claim.job_id)).chunks
    assert [(chunk.first, chunk.last) for chunk in chunks[1:3]] == [(2, 3), (4, 5)]
    assert (chunks[-1].last, chunks[-1].mark) == (2 + 6 * MOST_SENT, "done")


@pytest.mark.parametrize("last", ["send", "write"])
async def test_a_refusal_of_what_was_sent_is_raised_later(world: World, last: str) -> None:
    """By the next call that looks, and nothing is added to the log."""
    claim, writer = await world.running()
    await writer.write([EVENT])
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    before = await world.frames(claim.job_id)
    await writer.send([EVENT])
    with pytest.raises(Refused, match="ended"):
        for _ in range(2 * MOST_SENT if last == "send" else 1):
            await (writer.send([EVENT]) if last == "send" else writer.write([EVENT], mark="done"))
    assert await world.frames(claim.job_id) == before


async def test_what_is_on_its_way_is_bounded(private: Valkey) -> None:
    """A Redis that does not answer stops the writer, and so the reading of the upstream."""
    async with World(private.url, timeout_s=0.5) as world:
        _, writer = await world.running()
        await writer.write([EVENT])
        private.freeze()
        with pytest.raises(RedisTimeoutError):
            for _ in range(MOST_SENT + 1):
                await writer.send([EVENT])
        assert writer.number <= MOST_SENT + 2
        private.thaw()
