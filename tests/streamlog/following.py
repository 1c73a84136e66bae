"""Following jobs in tests: readers that collect, hubs that lose, logs that let something happen in between.

Invariant: every wait has a limit.
Does not know: what is followed.
"""

import asyncio
from collections.abc import Awaitable, Callable

from streamlog.follow import Batch, Follower
from streamlog.frames import Chunk, id_line
from streamlog.hub import Hub
from streamlog.log import Page, StreamLog
from streamlog.positions import Position
from tests.streamlog.world import World
from tests.support.facts import true

TURN_S = 0.5


class Reader:
    """Collects what a follower returns: `data`, `batches`, and the reasons for each look into the log.

    `takes` says which of the live frames that a follower offers are poured (counted from 0), else they are returned.
    """

    takes: Callable[[int], bool] | None = None

    def __init__(
        self,
        world: World,
        job_id: str,
        after: Position | None = None,
        *,
        fresh: bool = False,
        hub: Hub | None = None,
        log: StreamLog | None = None,
    ) -> None:
        self.batches: list[Batch] = []
        self.offered = 0
        self._parts: list[bytes] = []
        self.reasons: list[str] = []
        self.follower = Follower(
            log or world.log, hub or world.hub, job_id, after, fresh=fresh, on_reread=self.reasons.append
        )

    @property
    def data(self) -> bytes:
        return b"".join(self._parts)

    def pour(self, data: bytes) -> bool:
        """Take what is offered, or not."""
        assert self.takes is not None
        self.offered += 1
        if self.takes(self.offered - 1):
            self._parts.append(data)
            return True
        return False

    async def next(self, timeout_s: float = TURN_S) -> bool:
        """One call of `next`; whether it brought something."""
        batch = await self.follower.next(timeout_s, self.pour if self.takes else None)
        if batch is not None:
            self.batches.append(batch)
            self._parts.append(batch.data)
        return batch is not None

    async def settle(self) -> "Reader":
        """Read on until the subscription is confirmed and looked after: from then on only what is live comes."""
        async with asyncio.timeout(10):
            while "resubscribe" not in self.reasons:
                await self.next(0.02)
        return self

    async def until(self, number: int, within_s: float = 20) -> "Reader":
        """Read on until the frame of that number has come."""
        async with asyncio.timeout(within_s):
            while self.follower.at is None or self.follower.at.number < number:
                await self.next()
        return self

    async def to_end(self, within_s: float = 20) -> bytes:
        """Read on to the ending, and close; answers all data."""
        async with asyncio.timeout(within_s):
            while not self.follower.ended:
                await self.next()
        self.follower.close()
        return self.data


class Hooked(StreamLog):
    """A log in which something happens before and after the first answer to a read."""

    def __init__(
        self, log: StreamLog, before: Callable[[], Awaitable[object]], after: Callable[[], Awaitable[object]]
    ) -> None:
        self._log = log
        self._before: Callable[[], Awaitable[object]] | None = before
        self._after: Callable[[], Awaitable[object]] | None = after

    async def read(self, job_id: str, start: str = "-") -> Page:
        if self._before is not None:
            before, self._before = self._before, None
            await before()
        page = await self._log.read(job_id, start)
        if self._after is not None:
            after, self._after = self._after, None
            await after()
        return page


class Losing(Hub):
    """A hub that loses the messages for which `loses`, called with their count, is true."""

    def __init__(self, world: World, loses: Callable[[int], bool]) -> None:
        super().__init__(world.settings, world.keys)
        self._loses = loses
        self.heard = 0

    def _deliver(self, channel: bytes, message: bytes) -> None:
        self.heard += 1
        if not self._loses(self.heard):
            super()._deliver(channel, message)


def frames(job_id: str, attempt: int, first: int, last: int) -> bytes:
    """Frames as a writer makes them of `event`."""
    return b"".join(id_line(job_id, Position(attempt, number)) + event(number) for number in range(first, last + 1))


def event(number: int) -> bytes:
    """An event that no other is like."""
    return b'event: content_block_delta\ndata: {"delta":"word %d "}\n\n' % number


def events(first: int, last: int) -> list[bytes]:
    """The events of the frames from `first` to `last`."""
    return [event(number) for number in range(first, last + 1)]


def message(chunk: Chunk) -> bytes:
    """A chunk as the scripts publish it."""
    words = (chunk.attempt, chunk.first, chunk.last, chunk.mark or "-", chunk.stored_us, len(chunk.head))
    return " ".join(map(str, words)).encode() + b"\n" + chunk.head + chunk.data


async def subscribed(world: World, job_id: str, number: int = 1) -> None:
    """Wait until the server has so many subscriptions to the job's channel."""

    async def heard() -> bool:
        return bool((await world.call("PUBSUB", "NUMSUB", world.keys.channel(job_id)))[1] == number)

    await true(heard)
