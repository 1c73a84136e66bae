"""The race between reading a log and listening to its channel: nothing lost, nothing twice, from every position."""

import asyncio

import pytest

from streamlog import follow, hub
from streamlog.frames import Chunk
from streamlog.positions import Position
from tests.streamlog.following import Hooked, Losing, Reader, events, frames, message, subscribed
from tests.streamlog.world import World
from tests.support.facts import true

pytestmark = pytest.mark.usefixtures("pouring")


async def test_frames_are_found_whenever_they_were_written(world: World) -> None:
    """Before the listening, between listening and reading, between the read and its answer's arrival, and after."""
    claim, writer = await world.running()
    await writer.write(events(1, 2))
    log = Hooked(world.log, lambda: writer.write(events(3, 4)), lambda: writer.write(events(5, 6)))
    reader = Reader(world, claim.job_id, log=log)
    await reader.until(6)
    await writer.write(events(7, 8))
    await reader.until(8)
    await writer.write(events(9, 9), mark="done")
    assert await reader.to_end() == frames(claim.job_id, claim.attempt, 1, 9)


async def test_a_fresh_job_is_followed_without_reading_first(world: World) -> None:
    """Nothing can be in the log of a job that was submitted just now; what comes later is found."""
    job_id = await world.submit()
    reader = Reader(world, job_id, fresh=True)
    assert not await reader.next(0)
    claim = await world.claim()
    writer = world.writer(claim)
    await writer.write(events(1, 3))
    await reader.until(3)
    await writer.write(events(4, 4), mark="done")
    assert await reader.to_end() == frames(job_id, claim.attempt, 1, 4)
    assert reader.reasons in ([], ["resubscribe"])


@pytest.mark.parametrize("ended", [False, True], ids=["during the job", "after the job"])
async def test_resume_after_every_frame_gives_the_rest(world: World, ended: bool) -> None:
    """Byte for byte, also from the inside of a chunk."""
    claim, writer = await world.running()
    for first, last in ((1, 3), (4, 4), (5, 9), (10, 12)):
        await writer.write(events(first, last))
    readers = [Reader(world, claim.job_id, Position(claim.attempt, number)) for number in range(1, 13)]
    if not ended:
        await asyncio.gather(*(reader.next(0) for reader in readers))
    await writer.write(events(13, 14), mark="done")
    for number, reader in enumerate(readers, 1):
        assert await reader.to_end() == frames(claim.job_id, claim.attempt, number + 1, 14)


async def test_the_position_of_the_ending_has_nothing_behind_it(world: World) -> None:
    """Whoever has processed the last frame learns that it was the last, and gets no byte."""
    claim, writer = await world.running()
    await writer.write(events(1, 3), mark="done")
    reader = Reader(world, claim.job_id, Position(claim.attempt, 3))
    assert await reader.to_end() == b""
    assert reader.follower.ended
    (batch,) = reader.batches
    assert batch.data == b""
    assert await reader.follower.next(5) is None


async def test_a_duplicate_is_dropped(world: World) -> None:
    """A chunk that is published again, now or much later, is not returned again."""
    claim, writer = await world.running()
    reader = await Reader(world, claim.job_id).settle()
    for number in (1, 2, 3):
        await writer.write(events(number, number))
        for chunk in (await world.log.read(claim.job_id)).chunks:
            await world.call("PUBLISH", world.keys.channel(claim.job_id), message(chunk))
    await writer.write(events(4, 4), mark="done")
    assert await reader.to_end() == frames(claim.job_id, claim.attempt, 1, 4)


async def test_a_chunk_that_overlaps_is_cut(world: World) -> None:
    """A live chunk of which a part is known gives its new part only."""
    claim, writer = await world.running()
    await writer.write(events(1, 5))
    reader = await Reader(world, claim.job_id).settle()
    overlapping = Chunk(claim.attempt, 4, 7, "", 1, b"", frames(claim.job_id, claim.attempt, 4, 7))
    await world.call("PUBLISH", world.keys.channel(claim.job_id), message(overlapping))
    await reader.until(7)
    assert reader.data == frames(claim.job_id, claim.attempt, 1, 7)


async def test_a_chunk_of_an_older_attempt_is_dropped(world: World) -> None:
    """What a stale writer published long ago is not looked up."""
    claim, writer = await world.running()
    await writer.write(events(1, 1))
    reader = await Reader(world, claim.job_id).settle()
    stale = Chunk(claim.attempt - 1, 2, 2, "", 1, b"", frames(claim.job_id, claim.attempt - 1, 2, 2))
    await world.call("PUBLISH", world.keys.channel(claim.job_id), message(stale))
    await writer.write(events(2, 2), mark="done")
    assert await reader.to_end() == frames(claim.job_id, claim.attempt, 1, 2)
    assert reader.reasons == ["resubscribe"]


@pytest.mark.parametrize("lost", [1, 2], ids=["the first", "one in the midst"])
async def test_a_gap_is_filled_from_the_log(world: World, lost: int) -> None:
    """A message that pub/sub lost is noticed by the next, and read."""
    losing = Losing(world, lambda count: count == lost)
    await losing.start()
    claim, writer = await world.running()
    reader = await Reader(world, claim.job_id, hub=losing).settle()
    for number in (1, 2, 3):
        await writer.write(events(number, number))
    await reader.until(3, within_s=follow._QUIET_S / 2)
    assert "gap" in reader.reasons
    await writer.write(events(4, 4), mark="done")
    assert await reader.to_end() == frames(claim.job_id, claim.attempt, 1, 4)
    await losing.close()


@pytest.mark.parametrize("turn_s", [0.02, 5.0], ids=["asked often", "asked seldom"])
async def test_a_lost_last_message_is_a_delay_and_no_hang(
    world: World, monkeypatch: pytest.MonkeyPatch, turn_s: float
) -> None:
    """After some silence a follower looks into the log, however short the turns are in which it is asked."""
    monkeypatch.setattr(follow, "_QUIET_S", 0.1)
    losing = Losing(world, lambda count: True)
    await losing.start()
    claim, writer = await world.running()
    reader = await Reader(world, claim.job_id, hub=losing).settle()
    await writer.write(events(1, 2), mark="done")
    async with asyncio.timeout(3):
        while not reader.follower.ended:
            await reader.next(turn_s)
    assert reader.data == frames(claim.job_id, claim.attempt, 1, 2)
    assert "silence" in reader.reasons
    await losing.close()


async def test_a_buffer_that_overflows_is_bounded_and_read_again(world: World) -> None:
    """A subscriber that does not take its chunks keeps few of them, and misses none."""
    claim, writer = await world.running()
    reader = await Reader(world, claim.job_id).settle()
    big = b"data: " + b"x" * 20_000 + b"\n\n"
    for _ in range(10):
        await writer.write([big])
    await writer.write([big], mark="done")
    await _overflowed(reader)
    held = sum(len(chunk.data) for chunk in reader.follower._listener.chunks)
    assert held <= hub.BUFFER_BYTES
    data = await reader.to_end()
    assert data == await world.frames(claim.job_id)
    assert reader.reasons == ["resubscribe", "overflow"]


async def _overflowed(reader: Reader) -> None:
    async def overflowed() -> bool:
        return reader.follower._listener.reason == "overflow"

    await true(overflowed)


async def test_chunks_larger_than_a_page_are_followed_and_resumed(world: World) -> None:
    """A huge event does not stop whoever stands right before it, in it, or behind it."""
    claim, writer = await world.running()
    huge = b"data: " + b"x" * 300_000 + b"\n\n"
    for chunk in ([huge], [huge, huge], events(4, 4), [huge]):
        await writer.write(chunk)
    await writer.write(events(6, 6), mark="done")
    whole = await world.frames(claim.job_id)
    assert await Reader(world, claim.job_id).to_end() == whole
    for number in range(1, 7):
        data = await Reader(world, claim.job_id, Position(claim.attempt, number)).to_end(within_s=5)
        assert whole.endswith(data)
        assert data.count(b"id: ") == 6 - number


async def test_an_ending_by_another_attempt_is_accepted_after_content(world: World) -> None:
    """A cancel ends the stream of everybody: who listens, who resumes, and who comes later."""
    claim, writer = await world.running()
    live = Reader(world, claim.job_id)
    await writer.write(events(1, 3))
    await live.until(3)
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    ending = (await world.frames(claim.job_id)).removeprefix(frames(claim.job_id, claim.attempt, 1, 3))
    assert await live.to_end() == frames(claim.job_id, claim.attempt, 1, 3) + ending
    assert await Reader(world, claim.job_id, Position(claim.attempt, 2)).to_end() == (
        frames(claim.job_id, claim.attempt, 3, 3) + ending
    )
    assert await Reader(world, claim.job_id).to_end() == live.data
    assert live.batches[-1].mark == "cancelled"


async def test_a_batch_says_where_it_ends_and_brings_the_head_with_frame_1(world: World) -> None:
    """Position, mark, head and time of the first chunk."""
    claim, writer = await world.running()
    writer.head = b'{"status":200}'
    await writer.write(events(1, 1))
    await writer.write(events(2, 2))
    reader = await Reader(world, claim.job_id).until(2)
    await writer.write(events(3, 3), mark="done")
    await reader.to_end()
    first, last = reader.batches
    chunks = (await world.log.read(claim.job_id)).chunks
    assert (first.head, first.position, first.mark) == (b'{"status":200}', (claim.attempt, 2), "")
    assert first.stored_us == chunks[0].stored_us
    assert (last.head, last.position, last.mark) == (b"", (claim.attempt, 3), "done")
    assert last.stored_us == chunks[2].stored_us


async def test_what_is_ready_comes_in_one_batch(world: World) -> None:
    """Many small chunks are one write to the client, up to a limit."""
    claim, writer = await world.running()
    reader = await Reader(world, claim.job_id).settle()
    for number in range(1, 51):
        await writer.write(events(number, number))
    await world.call("PING")
    await reader.until(50)
    assert len(reader.batches) < 10


async def test_without_anything_new_next_returns_in_time(world: World) -> None:
    """None, after the time that was asked for."""
    claim, _ = await world.running()
    reader = Reader(world, claim.job_id)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert not await reader.next(0.1)
    assert 0.09 <= loop.time() - began < 1


async def test_an_interrupt_ends_a_wait_at_once(world: World) -> None:
    """Whoever it is for has left: the present `next` and every later one return None."""
    claim, writer = await world.running()
    reader = Reader(world, claim.job_id)
    waiting = asyncio.create_task(reader.follower.next(30))
    await subscribed(world, claim.job_id)
    reader.follower.interrupt()
    assert await asyncio.wait_for(waiting, 2) is None
    await writer.write(events(1, 1))
    assert await asyncio.wait_for(reader.follower.next(30), 2) is None


async def test_an_interrupt_while_the_log_is_read_is_not_missed(world: World) -> None:
    """It comes at the worst moment, and the wait ends all the same."""
    claim, _ = await world.running()
    other = Reader(world, claim.job_id)
    await subscribed(world, claim.job_id)

    async def leave() -> None:
        reader.follower.interrupt()

    reader = Reader(world, claim.job_id, log=Hooked(world.log, leave, leave))
    assert await asyncio.wait_for(reader.follower.next(30), follow._QUIET_S / 2) is None
    other.follower.close()


async def test_close_takes_the_subscription_along(world: World) -> None:
    """Nothing is left at the server; closing twice is fine."""
    claim, _ = await world.running()
    reader = Reader(world, claim.job_id)
    await subscribed(world, claim.job_id)
    reader.follower.close()
    reader.follower.close()
    await subscribed(world, claim.job_id, 0)


async def test_what_is_poured_is_not_returned_and_begins_the_time_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One `next` sees many chunks go by; it ends when nothing has come for its time, counted from the last of them."""
    monkeypatch.setattr(Reader, "takes", staticmethod(lambda number: True))
    claim, writer = await world.running()
    await writer.write(events(1, 1))
    reader = await (await Reader(world, claim.job_id).until(1)).settle()
    returned = len(reader.batches)
    started = asyncio.get_running_loop().time()
    waiting = asyncio.create_task(reader.next(0.4))
    for number in range(2, 7):
        await asyncio.wait((waiting,), timeout=0.15)
        await writer.write(events(number, number))
    assert not await waiting
    assert asyncio.get_running_loop().time() - started > 5 * 0.15 + 0.3
    assert (reader.offered, len(reader.batches)) == (5, returned)
    assert reader.data == frames(claim.job_id, claim.attempt, 1, 6)
