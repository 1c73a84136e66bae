"""What cannot be continued honestly is said at once: never waited for, never answered with everything."""

import asyncio
from collections.abc import Callable

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from streamlog.claims import Claim
from streamlog.follow import StreamLost
from streamlog.frames import Chunk
from streamlog.positions import Position
from tests.streamlog.following import Reader, events, frames, message
from tests.streamlog.world import World
from tests.support.facts import true
from tests.support.valkey import Valkey

AT_ONCE_S = 1.0


async def _lost(reader: Reader, within_s: float = AT_ONCE_S) -> None:
    """The follower says so in time, and has returned nothing but what it had before."""
    before = reader.data
    with pytest.raises(StreamLost):
        await asyncio.wait_for(reader.to_end(), within_s)
    assert reader.data == before


async def _answer(world: World, *, ended: bool = False) -> Claim:
    """A job with six frames in two chunks."""
    claim, writer = await world.running()
    await writer.write(events(1, 3))
    await writer.write(events(4, 6), mark="done" if ended else "")
    return claim


@pytest.mark.parametrize("ended", [False, True], ids=["during the job", "after the job"])
@pytest.mark.parametrize(
    ("attempt", "number"),
    [(0, 7), (0, 1000), (0, 0), (-1, 2), (1, 2), (1, 0)],
    ids=["next", "ahead", "number 0", "older attempt", "newer attempt", "number 0 of a newer attempt"],
)
async def test_a_position_that_the_log_does_not_hold(world: World, ended: bool, attempt: int, number: int) -> None:
    """Ahead, of another attempt, or before the first frame: nothing can follow it."""
    claim = await _answer(world, ended=ended)
    await _lost(Reader(world, claim.job_id, Position(claim.attempt + attempt, number)))


async def test_a_position_of_an_answer_that_another_attempt_gave(world: World) -> None:
    """A log that was lost and written again by another attempt does not continue the first."""
    claim = await _answer(world)
    await world.call("DEL", world.keys.log(claim.job_id))
    await world.call("HSET", world.keys.record(claim.job_id), "last", f"{claim.attempt}-0")
    await world.claims().release(claim.job_id, claim.attempt, give_back=True)
    again = await world.claim()
    await world.writer(again).write(events(1, 9), mark="done")
    await _lost(Reader(world, claim.job_id, Position(claim.attempt, 2)))


async def test_a_position_in_a_log_whose_end_is_another_attempts(world: World) -> None:
    """A queued job that was cancelled has no frame of the answer that the position names."""
    job_id = await world.submit()
    attempt = (await world.record(job_id)).last.attempt
    await world.log.end(job_id, None, "cancelled", "cancelled")
    await _lost(Reader(world, job_id, Position(attempt, 1)))


@pytest.mark.parametrize("after", [None, Position(1, 1)], ids=["from the start", "from a position"])
async def test_a_job_that_has_expired(world: World, after: Position | None) -> None:
    """Neither record nor log: it is over, and cannot be followed."""
    claim = await _answer(world)
    position = after and Position(claim.attempt, 1)
    await world.call("DEL", world.keys.record(claim.job_id), world.keys.log(claim.job_id))
    await _lost(Reader(world, claim.job_id, position))


async def test_a_record_that_expired_before_its_log(world: World) -> None:
    """What is left of a log without a record is not an answer."""
    claim = await _answer(world)
    await world.call("DEL", world.keys.record(claim.job_id))
    await _lost(Reader(world, claim.job_id, Position(claim.attempt, 1)))


async def test_a_log_that_is_gone_though_its_job_has_ended(world: World) -> None:
    """Nothing will ever come, so nobody waits for it."""
    claim = await _answer(world, ended=True)
    await world.call("DEL", world.keys.log(claim.job_id))
    await _lost(Reader(world, claim.job_id))


async def test_a_log_that_lost_its_ending(world: World) -> None:
    """The last frame that is there was no ending, and there will be no other."""
    claim = await _answer(world, ended=True)
    await world.call("XDEL", world.keys.log(claim.job_id), f"{claim.attempt}-6")
    reader = Reader(world, claim.job_id, Position(claim.attempt, 1))
    with pytest.raises(StreamLost):
        await asyncio.wait_for(reader.to_end(), AT_ONCE_S)


async def test_a_log_that_lost_a_chunk(world: World) -> None:
    """A hole is never passed over."""
    claim, writer = await world.running()
    for number in (1, 2, 3):
        await writer.write(events(number, number))
    for number, afters in ((2, (None, Position(claim.attempt, 1))), (1, (None,))):
        await world.call("XDEL", world.keys.log(claim.job_id), f"{claim.attempt}-{number}")
        for after in afters:
            await _lost(Reader(world, claim.job_id, after))


async def test_a_live_follower_notices_that_its_frames_were_lost(world: World) -> None:
    """At its next look into the log, the frame it stands at is not there any more."""
    claim = await _answer(world)
    reader = await Reader(world, claim.job_id).settle()
    await world.call("XDEL", world.keys.log(claim.job_id), f"{claim.attempt}-6")
    reader.follower._listener.stale("silence")
    await _lost(reader)


ANOTHER_ANSWER: dict[str, Callable[[Claim], Chunk]] = {
    "from its beginning": lambda claim: _chunk(claim, 1, 2, ""),
    "in its midst": lambda claim: _chunk(claim, 7, 8, ""),
    "an ending in its midst": lambda claim: _chunk(claim, 7, 8, "done"),
}


def _chunk(claim: Claim, first: int, last: int, mark: str) -> Chunk:
    """A chunk of an attempt after the claim's."""
    attempt = claim.attempt + 1
    return Chunk(attempt, first, last, mark, 1, b"", frames(claim.job_id, attempt, first, last))


async def _store(world: World, claim: Claim, chunk: Chunk) -> None:
    """Write a chunk into the log that no script would write there."""
    await world.call("XADD", world.keys.log(claim.job_id), str(chunk.position), "c", message(chunk))


@pytest.mark.parametrize("kind", ANOTHER_ANSWER)
async def test_another_answer_is_never_taken_for_the_rest_live(world: World, kind: str) -> None:
    """Text of two attempts is not mixed: a higher attempt may only end a stream, as its frame 1."""
    claim = await _answer(world)
    reader = await Reader(world, claim.job_id).settle()
    chunk = ANOTHER_ANSWER[kind](claim)
    await _store(world, claim, chunk)
    await world.call("PUBLISH", world.keys.channel(claim.job_id), message(chunk))
    await _lost(reader)


@pytest.mark.parametrize("kind", ANOTHER_ANSWER)
async def test_another_answer_is_never_taken_for_the_rest_of_a_log(world: World, kind: str) -> None:
    """The same when it is read."""
    claim = await _answer(world)
    await _store(world, claim, ANOTHER_ANSWER[kind](claim))
    await _lost(Reader(world, claim.job_id, Position(claim.attempt, 2)))


async def test_a_log_of_foreign_bytes_is_not_cut_by_guess(world: World) -> None:
    """A chunk that should hold the next frame and does not cannot be continued."""
    claim, _ = await world.running()
    await _store(world, claim, Chunk(claim.attempt, 1, 3, "done", 1, b"", b"data: x\n\n"))
    await _lost(Reader(world, claim.job_id, Position(claim.attempt, 1)))


async def test_a_log_that_cannot_be_read_in_time_is_an_error(private: Valkey) -> None:
    """A frozen server ends a follow by name and in time."""
    async with World(private.url, timeout_s=0.3) as world:
        claim = await _answer(world)
        await true(lambda: _connected(world))
        private.freeze()
        reader = Reader(world, claim.job_id)
        with pytest.raises(RedisTimeoutError):
            await asyncio.wait_for(reader.to_end(), 5)
        private.thaw()


async def _connected(world: World) -> bool:
    return world.hub.connected
