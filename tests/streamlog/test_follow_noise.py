"""Following while all around it fails: pub/sub killed or off, rubbish on the channel, clients cut again and again."""

import asyncio
import random

import pytest

from streamlog.frames import Chunk
from streamlog.positions import EventId, Position
from streamlog.writer import Writer
from tests.streamlog.following import Losing, Reader, events, frames, message, subscribed
from tests.streamlog.world import World
from tests.support.facts import until
from tests.support.valkey import Valkey

CUTS = 1000

pytestmark = pytest.mark.usefixtures("pouring")


async def _write(writer: Writer, dice: random.Random, last: int) -> None:
    """Frames 1 to `last` in chunks of one to seven; the last is the ending."""
    while writer.number < last:
        first = writer.number + 1
        until = min(last, writer.number + dice.randrange(1, 8))
        await writer.write(events(first, until), mark="done" if until == last else "")


async def _cut_again_and_again(world: World, job_id: str, dice: random.Random) -> tuple[bytes, int]:
    """A client that is cut after a few frames each time and resumes; all it got, and how often it was cut."""
    got, position, cuts = b"", None, 0
    while True:
        reader = Reader(world, job_id, position)
        batch = await asyncio.wait_for(reader.follower.next(10), 15)
        reader.follower.close()
        assert batch is not None
        whole = batch.data.split(b"\n\n")[:-1]
        kept = whole[: dice.randrange(1, 4)]
        got += b"".join(frame + b"\n\n" for frame in kept)
        if kept == whole and batch.mark:
            return got, cuts
        cuts += 1
        position = EventId.parse(kept[-1].split(b"\n")[0].removeprefix(b"id: ").decode()).position


async def test_a_thousand_cuts_lose_nothing_and_double_nothing(world: World) -> None:
    """Clients that are cut at random, during the job and after it, get every frame once."""
    dice = random.Random(20)
    cuts = 0
    while cuts < CUTS:
        claim, writer = await world.running()
        clients = [_cut_again_and_again(world, claim.job_id, dice) for _ in range(4)]
        writing = asyncio.create_task(_write(writer, dice, 300))
        got = await asyncio.gather(*clients)
        await writing
        got.append(await _cut_again_and_again(world, claim.job_id, dice))
        assert {data for data, _ in got} == {frames(claim.job_id, claim.attempt, 1, 300)}
        cuts += sum(times for _, times in got)


async def test_pubsub_killed_every_few_ms_loses_nothing_and_doubles_nothing(world: World) -> None:
    """Three followers of 2,000 frames, while every subscription of the server is cut again and again."""
    claim, writer = await world.running()
    readers = [Reader(world, claim.job_id) for _ in range(3)]
    reading = [asyncio.create_task(reader.to_end()) for reader in readers]
    writing = asyncio.create_task(_write(writer, random.Random(1), 2000))
    kills = 0
    while not writing.done():
        kills += await world.call("CLIENT", "KILL", "TYPE", "pubsub")
        await asyncio.sleep(0.005)
    assert set(await asyncio.gather(*reading)) == {frames(claim.job_id, claim.attempt, 1, 2000)}
    assert kills > 5
    assert "resubscribe" in readers[0].reasons


async def test_without_pubsub_everything_still_works(valkey: Valkey) -> None:
    """A follower that hears nothing reads; slower, and complete."""
    async with World(valkey.url, pubsub=False) as world:
        claim, writer = await world.running()
        readers = [Reader(world, claim.job_id), Reader(world, claim.job_id, fresh=True)]
        for number in range(1, 4):
            await writer.write(events(number, number))
            await asyncio.gather(*(reader.until(number, within_s=2) for reader in readers))
        await writer.write(events(4, 4), mark="done")
        for reader in readers:
            assert await reader.to_end() == frames(claim.job_id, claim.attempt, 1, 4)
        assert not world.hub.connected


async def test_without_pubsub_a_short_turn_does_not_put_off_the_look(valkey: Valkey) -> None:
    """Whoever asks again and again in turns shorter than the look's interval gets the frames all the same."""
    async with World(valkey.url, pubsub=False) as world:
        claim, writer = await world.running()
        reader = Reader(world, claim.job_id, fresh=True)
        await writer.write(events(1, 2), mark="done")
        async with asyncio.timeout(3):
            while not reader.follower.ended:
                await reader.next(0.02)
        assert reader.data == frames(claim.job_id, claim.attempt, 1, 2)


async def test_a_hub_that_loses_half_of_all_messages_loses_no_frame(world: World) -> None:
    """Whatever is missing is read."""
    dice = random.Random(7)
    losing = Losing(world, lambda count: dice.random() < 0.5)
    await losing.start()
    claim, writer = await world.running()
    reader = Reader(world, claim.job_id, hub=losing)
    data, _ = await asyncio.gather(reader.to_end(), _write(writer, random.Random(2), 500))
    assert data == frames(claim.job_id, claim.attempt, 1, 500)
    assert losing.heard > 50
    assert "gap" in reader.reasons
    await losing.close()


RUBBISH = {
    "nothing": b"",
    "words": b"hello there",
    "a line of words": b"a b c d e f\n",
    "numbers that are none": b"1 2 3 - x 0\n",
    "bytes": bytes(range(256)),
    "JSON": b'{"type":"message_start"}',
}


@pytest.mark.parametrize("kind", RUBBISH)
async def test_rubbish_on_the_channel_does_no_harm(world: World, kind: str) -> None:
    """A message that is not ours makes a follower look into the log, and nothing else."""
    claim, writer = await world.running()
    await writer.write(events(1, 2))
    reader = await Reader(world, claim.job_id).settle()
    await world.call("PUBLISH", world.keys.channel(claim.job_id), RUBBISH[kind])
    await reader.next(0.05)
    await writer.write(events(3, 3), mark="done")
    assert await reader.to_end() == frames(claim.job_id, claim.attempt, 1, 3)
    assert reader.reasons[-1] == "gap"


@pytest.mark.parametrize(
    ("attempt", "first", "last", "mark"),
    [(0, 2, 4, ""), (0, 1, 9, "done"), (0, 9, 12, "done"), (1, 3, 4, ""), (1, 2, 2, "done")],
    ids=["overlap without our ids", "an ending without our ids", "far ahead", "of another attempt", "a false ending"],
)
async def test_a_well_formed_lie_on_the_channel_does_no_harm(
    world: World, attempt: int, first: int, last: int, mark: str
) -> None:
    """A message with the form of a chunk that does not continue what was returned is looked up, and not believed."""
    claim, writer = await world.running()
    await writer.write(events(1, 2))
    reader = await Reader(world, claim.job_id).settle()
    lie = Chunk(claim.attempt + attempt, first, last, mark, 1, b"", b"event: e\ndata: lies\n\n")
    await world.call("PUBLISH", world.keys.channel(claim.job_id), message(lie))
    await reader.next(0.05)
    await writer.write(events(3, 3), mark="done")
    assert await reader.to_end() == frames(claim.job_id, claim.attempt, 1, 3)


async def test_a_message_for_one_job_does_not_reach_another(world: World) -> None:
    """Followers of two jobs on one connection get their own frames."""
    (first, one), (second, two) = await world.running(), await world.running()
    readers = [Reader(world, first.job_id), Reader(world, second.job_id)]
    for reader in readers:
        await reader.next(0)
    for number in (1, 2, 3):
        mark = "done" if number == 3 else ""
        await asyncio.gather(one.write(events(number, number), mark=mark), two.write(events(number, number), mark=mark))
    for claim, reader in zip((first, second), readers, strict=True):
        assert await reader.to_end() == frames(claim.job_id, claim.attempt, 1, 3)


async def test_many_followers_of_one_job_get_the_same(world: World) -> None:
    """From many positions, at many times, over one subscription."""
    claim, writer = await world.running()
    await writer.write(events(1, 10))
    after = [None, *(Position(claim.attempt, number) for number in range(1, 11))]
    readers = [Reader(world, claim.job_id, position) for position in after * 3]
    reading = [asyncio.create_task(reader.to_end()) for reader in readers]
    await subscribed(world, claim.job_id)
    for first in range(11, 51, 5):
        await writer.write(events(first, first + 4))
    await writer.write(events(51, 51), mark="done")
    for position, data in zip(after * 3, await asyncio.gather(*reading), strict=True):
        first = position.number + 1 if position else 1
        assert data == frames(claim.job_id, claim.attempt, first, 51)


async def test_two_reads_of_one_loop_turn_keep_their_order(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full socket of the hub is read several times before any task has its turn: the first read cannot be poured, the
    second could, and must not come before it, nor in its place."""
    monkeypatch.setattr(Reader, "takes", staticmethod(lambda number: number == 1))
    claim, writer = await world.running()
    await writer.write(events(1, 1))
    reader = await (await Reader(world, claim.job_id).until(1)).settle()
    waiting = asyncio.create_task(reader.next())
    listener = reader.follower._listener
    await until(lambda: listener.pour is not None)
    for number in (2, 3):
        data = frames(claim.job_id, claim.attempt, number, number)
        listener.offer(Chunk(claim.attempt, number, number, "", 0, b"", data))
        assert listener.pour is not None
        listener.pour()
    assert await waiting
    await reader.until(3)
    assert reader.data == frames(claim.job_id, claim.attempt, 1, 3)
