"""worker/pace.py: nobody rests below the limit; beyond it streams take turns, in order, as often as the limit says, and
the rarer the more they say."""

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest

from tests.support.facts import until
from tests.support.series import Moved
from tests.worker.calls import calling, paced, request
from tests.worker.wire import HangUp, chunk, head, serving
from worker import pace as pace_module
from worker.pace import Pace
from worker.retries import UpstreamFailed

AT_ONCE = 100
COUNTED_S = 0.02
LIMIT_S = 10.0


class Streams:
    """Streams that are read again as soon as they may be, `events` at a time. `read` are their numbers, in the order of
    reading."""

    def __init__(self, pace: Pace, number: int, events: int = 1) -> None:
        self._pace = pace
        self.events = events
        self.read: list[int] = []
        self.rested: list[int] = []
        self.begun = monotonic()
        self._streams = [self._of(stream) for stream in range(number)]

    def _of(self, stream: int) -> Callable[[], None]:
        def read() -> None:
            self.read.append(stream)
            if not self._pace.again(self.events, read):
                self.rested.append(stream)

        return read

    def all_once(self) -> None:
        for read in self._streams:
            read()

    async def turns_a_second(self, least_s: float, credit: int = 0) -> float:
        """How often they were read in a time, without so many of them."""
        begun, before = monotonic(), len(self.read)
        await until(lambda: monotonic() > begun + least_s)
        return (len(self.read) - before - credit) / (monotonic() - begun)

    def most(self, per_s: float) -> float:
        """How often they may have been read by now."""
        return len(self._streams) + 1 + per_s * (monotonic() - self.begun)


async def test_below_the_limit_nobody_rests() -> None:
    """A hundred may be read at once, and more as time goes by."""
    pace = paced(1000)
    streams = Streams(pace, AT_ONCE)
    streams.all_once()
    assert streams.rested == []
    full = monotonic()
    await until(lambda: monotonic() > full + 0.05)
    streams = Streams(pace, 40)
    streams.all_once()
    assert streams.rested == []


async def test_beyond_the_limit_streams_take_turns() -> None:
    """In the order in which they came, each as often as any other, and together no more often than may be."""
    streams = Streams(paced(2000), 3 * AT_ONCE)
    streams.all_once()
    resting = list(streams.rested)
    assert len(resting) > AT_ONCE
    await until(lambda: len(streams.read) >= 1000)
    assert len(streams.read) <= streams.most(per_s=2000)
    assert streams.read[3 * AT_ONCE :][: len(resting)] == resting


@pytest.mark.parametrize(
    ("own", "running", "per_s"),
    [(25, 100, 500), (100, 100, 2000), (1, 0, 2000), (0, 100, 20), (3, 2, 2000)],
    ids=["a quarter", "all", "not counted yet", "none yet", "more than were counted"],
)
async def test_a_worker_has_the_part_of_its_streams(own: int, running: int, per_s: float) -> None:
    """Of what all may read together, as many as its own are of all that run."""
    pace = paced(2000)
    pace.share(own, running)
    streams = Streams(pace, 2 * AT_ONCE)
    streams.all_once()
    turns = len(streams.read) + 0.5 * per_s
    await until(lambda: len(streams.read) >= turns)
    assert len(streams.read) <= streams.most(per_s)


async def test_the_more_comes_the_rarer_are_the_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half as many reads as may be from twice as many events on; all of them again when it has become less."""
    monkeypatch.setattr(pace_module, "_COUNTED_S", COUNTED_S)
    streams = Streams(paced(2000), 2 * AT_ONCE, events=10)
    streams.all_once()
    await streams.turns_a_second(2 * COUNTED_S)
    async with asyncio.timeout(LIMIT_S):  # whenever this process waits for a core, less seems to come for a while
        while await streams.turns_a_second(20 * COUNTED_S, AT_ONCE) > 1000:
            pass
        streams.events = 1
        while await streams.turns_a_second(5 * COUNTED_S) < 1500:
            pass


async def test_rests_are_counted() -> None:
    """Ops see that streams take turns."""
    moved = Moved()
    streams = Streams(paced(2000), AT_ONCE + 10)
    streams.all_once()
    await until(lambda: moved.by("sluice_stream_rests_total") >= 10)
    assert moved.by("sluice_stream_rests_total") == len(streams.read) - AT_ONCE - 10


async def test_each_beat_is_told_before_its_streams_are_read() -> None:
    """And how long it lasts, so that what they bring, dozens of chunks, can wait for each other."""
    beats: list[tuple[float, int]] = []
    streams = Streams(Pace(4000, on_beat=lambda beat_s: beats.append((beat_s, len(streams.read)))), 3 * AT_ONCE)
    streams.all_once()
    begun = len(streams.read)
    await until(lambda: len(streams.read) >= 1000)
    assert beats[0][1] == begun
    assert all(0.008 <= beat_s <= 0.016 for beat_s, _ in beats)
    assert len(beats) <= (len(streams.read) - begun) / 16


class Held(Pace):
    """Whoever has been read waits until the test says `next`."""

    def __init__(self) -> None:
        super().__init__(1.0, on_beat=lambda beat_s: None)
        self.told: list[int] = []
        self._held: list[Callable[[], None]] = []

    def again(self, events: int, resume: Callable[[], None]) -> bool:
        self.told.append(events)
        self._held.append(resume)
        return False

    def next(self) -> None:
        self._held.pop(0)()


async def test_what_comes_while_a_stream_rests_is_one_read() -> None:
    """It stays with the upstream's side of the connection until the turn, and is then poured at once; so is the end."""
    pace, poured, going = Held(), list[bytes](), asyncio.Semaphore(0)

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head())
        for part in (b"1", b"2", b"3"):
            await going.acquire()
            writer.write(chunk(part))
        writer.write(chunk(b""))
        await writer.drain()
        said.set()

    def pour(part: bytes) -> int:
        poured.append(part)
        return 7

    said = asyncio.Event()
    async with serving(reply) as served, calling(served.url, pace=pace) as upstream, upstream.open(request()) as answer:
        reading = asyncio.create_task(answer.read(pour))
        going.release()
        await until(lambda: poured == [b"1"])
        going.release()
        going.release()
        await said.wait()
        await asyncio.sleep(0.05)  # time enough for what must not happen
        assert poured == [b"1"]
        pace.next()
        assert await reading == b""
        assert poured == [b"1", b"23"]
        assert pace.told == [7]


async def test_a_rest_is_no_silence() -> None:
    """Only what an upstream keeps from us is, and its time begins when it is read again."""
    pace, poured = Held(), list[bytes]()

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head())
        await go_on.wait()
        writer.write(chunk(b"part"))
        await asyncio.Event().wait()

    def pour(part: bytes) -> int:
        poured.append(part)
        return 1

    idle_s, go_on = 0.1, asyncio.Event()
    async with (
        serving(reply) as served,
        calling(served.url, idle_s=idle_s, pace=pace) as upstream,
        upstream.open(request()) as answer,
    ):
        reading = asyncio.create_task(answer.read(pour))
        go_on.set()
        await until(lambda: poured)
        await asyncio.wait([reading], timeout=4 * idle_s)
        assert not reading.done()
        turn = monotonic()
        pace.next()
        with pytest.raises(UpstreamFailed, match="upstream_stalled"):
            await reading
        assert monotonic() - turn >= idle_s


async def test_a_connection_that_breaks_while_it_rests() -> None:
    """What had come before is poured first, then the break is told; one that we have closed is not woken."""
    pace, poured = Held(), list[bytes]()

    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(head())
        for part in (b"1", b"2"):
            await going.acquire()
            writer.write(chunk(part))
        raise HangUp

    def pour(part: bytes) -> int:
        poured.append(part)
        return 1

    going = asyncio.Semaphore(0)
    async with serving(reply) as served, calling(served.url, pace=pace) as upstream:
        async with upstream.open(request()) as answer:
            reading = asyncio.create_task(answer.read(pour))
            going.release()
            await until(lambda: poured == [b"1"])
            going.release()
            pace.next()
            await until(lambda: poured == [b"1", b"2"])
            pace.next()
            with pytest.raises(UpstreamFailed, match="upstream_cut"):
                await reading
        async with upstream.open(request()) as answer:
            reading = asyncio.create_task(answer.read(pour))
            going.release()
            await until(lambda: poured == [b"1", b"2", b"1"])
            reading.cancel()
            await asyncio.wait([reading])
        await served.left.wait()
        pace.next()
