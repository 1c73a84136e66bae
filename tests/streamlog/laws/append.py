"""The laws of append: a chunk goes after its predecessor, once, by the one writer whose turn it is."""

import asyncio
from typing import Any

import pytest
from redis.exceptions import ResponseError

from streamlog.claims import Claim
from streamlog.frames import read_chunk
from streamlog.writer import Refused, Writer
from tests.streamlog.laws.book import law
from tests.streamlog.lines import Stuttering
from tests.streamlog.world import EVENT, KEEP_S, World, arguments


async def _refusal(writer: Writer, **how: Any) -> str:
    """Why the log refuses a chunk, and that it stored nothing of it."""
    with pytest.raises(Refused) as refused:
        await writer.write([EVENT], **how)
    return refused.value.why


@law
async def append_stores_frames_with_their_positions(world: World) -> None:
    """Each frame begins with its id, numbered from 1 on, and the record knows the last."""
    claim, writer = await world.running()
    await writer.write([EVENT, EVENT])
    await writer.write([EVENT])
    ids = [f"id: {claim.job_id}:{claim.attempt}-{number}\n".encode() for number in (1, 2, 3)]
    assert await world.frames(claim.job_id) == b"".join(line + EVENT for line in ids)
    record = await world.record(claim.job_id)
    assert record.last == (claim.attempt, 3)
    assert record.content_us >= record.claimed_us


async def _posted(world: World, *claims: Claim) -> list[object]:
    """The answers to frame 2 of each of these attempts, sent as one call."""
    calls = [world.line.post("appends", arguments(claim, 2, EVENT), len(EVENT)) for claim in claims]
    answers: list[object] = await asyncio.gather(*(call.answer() for call in calls), return_exceptions=True)
    return answers


@law
async def appends_store_what_append_stores(world: World) -> None:
    """For each job its chunk, behind its own last one, and its record knows; what is repeated is there once."""
    running = [await world.running() for _ in range(3)]
    for _, writer in running:
        await writer.write([EVENT])
    claims = [claim for claim, _ in running]
    assert await _posted(world, *claims) == [b"written"] * 3
    assert await _posted(world, *claims) == [b"repeated"] * 3
    for claim in claims:
        assert (await world.frames(claim.job_id)).count(EVENT) == 2
        assert (await world.record(claim.job_id)).last == (claim.attempt, 2)


@law
async def appends_answer_each_chunk_by_itself(world: World) -> None:
    """What may not be written of one job says nothing about the others, and leaves nothing behind."""
    running = [await world.running() for _ in range(3)]
    for _, writer in running:
        await writer.write([EVENT])
    ended = running[1][0]
    await world.log.end(ended.job_id, None, "cancelled", "cancelled")
    before = await world.frames(ended.job_id)
    assert await _posted(world, *(claim for claim, _ in running)) == [b"written", b"ended", b"written"]
    assert await world.frames(ended.job_id) == before


@law
async def appends_bear_with_a_log_that_is_not_ours(world: World) -> None:
    """Somebody else's value under one key is an error for that chunk, and for no other of the call."""
    running = [await world.running() for _ in range(3)]
    for _, writer in running:
        await writer.write([EVENT])
    await world.call("SET", world.keys.log(running[1][0].job_id), "not a stream")
    first, spoiled, last = await _posted(world, *(claim for claim, _ in running))
    assert (first, last) == (b"written", b"written")
    assert isinstance(spoiled, ResponseError)
    assert "WRONGTYPE" in str(spoiled)


@law
async def append_refuses_a_wrong_predecessor(world: World) -> None:
    """A chunk that would leave a hole, or overlap what is there, is not stored."""
    claim, writer = await world.running()
    await writer.write([EVENT] * 3)
    before = await world.frames(claim.job_id)
    for number in (4, 1):
        wrong = world.writer(claim)
        wrong.number = number
        assert await _refusal(wrong) == "lost"
    assert await world.frames(claim.job_id) == before


@law
async def append_answers_a_repeat_and_stores_nothing_twice(world: World) -> None:
    """A chunk sent again after a lost answer is fine, and is there once."""
    claim, _ = await world.running()
    writer = Writer(Stuttering(world.line), claim.job_id, claim.attempt, lambda: True)
    await writer.write([EVENT, EVENT])
    await writer.write([EVENT])
    assert (await world.frames(claim.job_id)).count(EVENT) == 3
    assert writer.number == 3


@law
async def an_ending_sent_twice_is_one_ending(world: World) -> None:
    """The repeat of an ending by the writer that wrote it is fine, and answers the same model and duration."""
    claim, writer = await world.running()
    await writer.write([EVENT])
    again = world.writer(claim)
    again.number = 1
    told = await writer.write([EVENT], mark="done")
    assert await again.write([EVENT], mark="done") == told
    assert told is not None
    assert told[0] == "claude"
    assert 0 <= told[1] < 5
    assert (await world.frames(claim.job_id)).count(EVENT) == 2


@law
async def append_refuses_after_an_ending_by_cancel(world: World) -> None:
    """Whoever cancels a job has the last word: its writer adds nothing."""
    claim, writer = await world.running()
    await writer.write([EVENT])
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    before = await world.frames(claim.job_id)
    assert await _refusal(writer) == "ended"
    assert await _refusal(writer, mark="done") == "ended"
    assert await world.frames(claim.job_id) == before
    assert await world.state(claim.job_id) == "cancelled"


@law
async def append_refuses_after_its_own_ending(world: World) -> None:
    """A job has one ending: nothing comes after it, not even from the writer that wrote it."""
    claim, writer = await world.running()
    await writer.write([EVENT], mark="done")
    before = await world.frames(claim.job_id)
    assert await _refusal(writer, mark="failed", code="worker_failed") == "ended"
    assert await world.frames(claim.job_id) == before
    assert await world.state(claim.job_id) == "done"


@law
async def append_refuses_a_stale_attempt(world: World) -> None:
    """A writer whose job was put back, or claimed by another, adds nothing."""
    claim, writer = await world.running()
    await world.claims().release(claim.job_id, claim.attempt, give_back=True)
    assert await _refusal(writer) == "stale"
    await world.claim()
    assert await _refusal(writer, mark="done") == "stale"
    assert await world.frames(claim.job_id) == b""
    assert await world.state(claim.job_id) == "running"


@law
async def append_notices_that_redis_lost_frames(world: World) -> None:
    """When the last frames are not there though nobody came after us, the stream is lost."""
    claim, writer = await world.running()
    await writer.write([EVENT] * 2)
    await writer.write([EVENT] * 2)
    key = world.keys.record(claim.job_id)
    await world.call("XDEL", world.keys.log(claim.job_id), f"{claim.attempt}-4")
    await world.call("HSET", key, "last", f"{claim.attempt}-2")
    assert await _refusal(writer) == "lost"


@law
async def append_notices_that_redis_lost_the_claim(world: World) -> None:
    """The same when the whole attempt is not there: the record still names an older one."""
    claim, writer = await world.running()
    older = claim.attempt - 1
    await world.call("HSET", world.keys.record(claim.job_id), "attempt", older, "last", f"{older}-0")
    assert await _refusal(writer) == "lost"
    assert await world.frames(claim.job_id) == b""


@law
async def append_to_a_job_that_is_gone_bears_no_log(world: World) -> None:
    """An expired log is not born again by a late writer."""
    claim, writer = await world.running()
    await world.call("DEL", world.keys.record(claim.job_id))
    assert await _refusal(writer) == "gone"
    assert await _refusal(writer, mark="done") == "gone"
    assert await world.call("EXISTS", world.keys.log(claim.job_id), world.keys.record(claim.job_id)) == 0


@law
async def append_publishes_exactly_what_it_stores(world: World) -> None:
    """A listener receives the very chunks that the log holds: bytes, numbers, mark, time and head."""
    claim, writer = await world.running()
    writer.head = b'{"status":200}'
    redis = world.client()
    async with redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(world.keys.channel(claim.job_id))
        assert (await pubsub.get_message(timeout=5))["type"] == "subscribe"
        await writer.write([EVENT, EVENT])
        await writer.write([EVENT], mark="done")
        messages = [(await pubsub.get_message(timeout=1))["data"] for _ in range(2)]
    chunks = (await world.log.read(claim.job_id)).chunks
    assert [read_chunk(message) for message in messages] == chunks
    assert [(chunk.head, chunk.mark) for chunk in chunks] == [(b'{"status":200}', ""), (b"", "done")]


@law
async def the_first_chunk_gives_the_log_the_life_of_its_record(world: World) -> None:
    """A log never outlives its record, and is never without an end."""
    claim, writer = await world.running()
    await writer.write([EVENT])
    lives = [await world.call("PTTL", key(claim.job_id)) for key in (world.keys.log, world.keys.record)]
    assert 0 < lives[0] <= lives[1] + 5
    assert lives[1] - lives[0] < 1000
    assert lives[0] > KEEP_S * 1000


@law
async def append_writes_the_fields_that_come_with_it(world: World) -> None:
    """Usage, response and refusal reach the record in the same step as the frame; a refused chunk brings none."""
    claim, writer = await world.running()
    await writer.write([EVENT], fields=["usage", '{"output_tokens":1}'])
    assert (await world.record(claim.job_id)).usage == {"output_tokens": 1}
    ahead = world.writer(claim)
    ahead.number = 7
    assert await _refusal(ahead, fields=["usage", "{}"]) == "lost"
    assert (await world.record(claim.job_id)).usage == {"output_tokens": 1}


@law
async def a_failure_is_no_content(world: World) -> None:
    """A job that failed before its first frame of an answer has an ending, and no time of content."""
    claim, writer = await world.running()
    await writer.write([EVENT], mark="failed", code="upstream_cut")
    record = await world.record(claim.job_id)
    assert (record.state, record.content_us) == ("failed", 0)
