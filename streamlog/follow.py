"""Following one job: the only place that knows the race between reading a log and listening to its channel.

Invariant: what `next` has returned so far is the log's frames from the start position on, each once and in order,
up to the ending; or `StreamLost` has been raised.
Does not know: HTTP, pings, who is listening.
"""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from streamlog.errors import InternalError
from streamlog.frames import Chunk
from streamlog.hub import Hub, Listener
from streamlog.log import StreamLog
from streamlog.positions import Position

JOIN_BYTES = 64 * 1024
_QUIET_S = 2.0  # silence after which a live follower looks into the log, doubled each time …
_QUIET_MOST_S = 8.0  # … up to this
_POLL_S = 0.2  # the same while there is no pub/sub connection


class StreamLost(InternalError):
    """The log does not hold the frame to continue from, so the stream cannot be continued honestly."""

    default_code = "stream_lost"


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames ready to send: `data` ends with the frame at `position`; `mark` is the ending or "".

    `head` is the upstream's status and headers (JSON) when `data` begins with frame 1, else empty; `stored_us` the
    Redis time at which its first chunk was stored. `data` is empty only when the position to start from was the
    ending itself.
    """

    data: bytes
    position: Position | None
    mark: str
    head: bytes
    stored_us: int


class Follower:
    """Follows a job from a position. Steps, in this order:

    1. Listen to the channel, before anything is read.
    2. Read the log from the position *inclusive*. Unless its first chunk contains that very frame, the stream is
       lost. A fresh job has nothing to read: it begins at 3, and never comes here for a `listener` that was confirmed
       before there was the job (`expected`).
    3. Take live chunks whose first number is exactly next. A smaller one is a duplicate: drop the frames already
       returned. A higher attempt is taken only as frame 1 with an ending.
    4. Go back to 2 on a gap, an overflowed buffer, a (re)subscribe confirmation, and after some seconds without a
       chunk, so a lost message is a delay and never a hang.
    5. End on the ending only.

    Guarded by `tests/streamlog/test_follow.py`. Call `close` when done.
    """

    def __init__(
        self,
        log: StreamLog,
        hub: Hub,
        job_id: str,
        after: Position | None = None,
        *,
        fresh: bool = False,
        listener: Listener | None = None,
        on_reread: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self.job_id = job_id
        self.at = after
        self.ended = False
        self.interrupted = False
        self._log = log
        self._hub = hub
        self._on_reread = on_reread
        self._listener = hub.listen(job_id) if listener is None else listener
        if listener is None:
            self._listener.reason = None if fresh else "start"
        self._started = not fresh or listener is not None
        self._quiet_s = _QUIET_S
        self._left: list[Chunk] = []  # taken, but not poured
        self._known = asyncio.get_running_loop().time()  # when nothing was known to be missing
        self._moved = self._known  # when frames came on last

    def interrupt(self) -> None:
        """Make the present and every later `next` return None at once: whoever it is for has left."""
        self.interrupted = True
        self._listener.wake.set()

    def close(self) -> None:
        """Stop listening; safe to call twice."""
        self._hub.unlisten(self.job_id, self._listener)

    async def next(self, timeout_s: float, pour: Callable[[bytes], bool] | None = None) -> Batch | None:
        """The next frames, all that are ready; None when none come in `timeout_s`, after the ending, when interrupted.

        `pour` is offered live frames that are neither a first nor an ending, as they come; those that it takes (it
        answers True) are not returned, and begin the time anew. It must not wait. Raises `StreamLost`, or redis-py's
        errors when the log cannot be read in time.
        """
        self._moved = asyncio.get_running_loop().time()
        while not self.interrupted and (self._left or not self.ended):
            batch = await self._reread() if self._listener.reason and not self._left else self._live()
            if batch is not None:
                self._moved_on()
                return batch
            if self._listener.reason is None and not await self._chunk_or_silence(timeout_s, pour):
                return None
        return None

    def _moved_on(self) -> None:
        self._quiet_s = _QUIET_S
        self._known = self._moved = asyncio.get_running_loop().time()

    async def _reread(self) -> Batch | None:
        reason, self._listener.reason = self._listener.reason, None
        assert reason is not None
        if self._started and reason != "start":
            self._on_reread(reason)
        self._started = True
        page = await self._log.read(self.job_id, "-" if self.at is None else str(self.at))
        self._known = asyncio.get_running_loop().time()
        if not page.exists:
            raise StreamLost
        if self.at is not None and not (page.chunks and page.chunks[0].holds(self.at)):
            raise StreamLost
        taken: list[Chunk] = []
        for chunk in page.chunks:
            if not self._take(chunk, taken):
                raise StreamLost
        if page.more and not self.ended:
            self._listener.reason = "start"  # the next page of the same reading
        elif page.ended and not self.ended:
            raise StreamLost
        return self._batch(taken)

    def _live(self) -> Batch | None:
        if self._left:
            taken, self._left = self._left, []
        else:
            taken = self._taken()
        return self._batch(taken)

    def _taken(self) -> list[Chunk]:
        """What has come and comes next; on a gap the listener is stale."""
        taken: list[Chunk] = []
        joined = 0
        while self._listener.chunks and joined < JOIN_BYTES and not self.ended:
            chunk = self._listener.take()
            joined += len(chunk.data)
            if not self._take(chunk, taken):
                self._listener.stale("gap")
        return taken

    def _pour(self, pour: Callable[[bytes], bool]) -> None:
        """What has come goes on at once, past the task that waits; what cannot, wakes it."""
        if self._left:
            return  # an earlier read of the same loop turn could not be poured: what comes stays behind it
        begun = self.at is not None
        taken = self._taken()
        if not taken:
            return  # repeated frames, or a gap, of which the listener knows
        if begun and not self.ended and pour(_joined(taken)):
            self._moved_on()
        else:
            self._left = taken
        if self._left or self._listener.chunks:
            self._listener.wake.set()

    def _take(self, chunk: Chunk, taken: list[Chunk]) -> bool:
        """Add what of `chunk` comes next; False if it does not continue what was returned."""
        rest: Chunk | None = chunk
        if self.at is None:
            if chunk.first != 1:
                return False
        elif chunk.attempt == self.at.attempt:
            if chunk.first > self.at.number + 1:
                return False
            try:
                rest = chunk.after(self.job_id, self.at.number)
            except ValueError:  # its bytes are not ours
                return False
        elif chunk.attempt < self.at.attempt:
            rest = None
        elif chunk.first != 1 or not chunk.mark:
            return False
        if rest is not None:
            taken.append(rest)
            self.at = chunk.position
        self.ended = self.ended or bool(chunk.mark)
        return True

    def _batch(self, taken: list[Chunk]) -> Batch | None:
        if taken:
            first, last = taken[0], taken[-1]
            return Batch(_joined(taken), last.position, last.mark, first.head, first.stored_us)
        return Batch(b"", self.at, "", b"", 0) if self.ended else None

    async def _chunk_or_silence(self, timeout_s: float, pour: Callable[[bytes], bool] | None) -> bool:
        """Wait for the listener; False when nothing has come for `timeout_s`."""
        listener, loop = self._listener, asyncio.get_running_loop()
        listener.wake.clear()
        if listener.chunks or listener.reason or self.interrupted:
            return True
        listener.pour = None if pour is None else lambda: self._pour(pour)
        try:
            while not listener.wake.is_set():
                # Counted over all turns: whoever asks in short ones must not put it off for ever.
                silence = self._known + (self._quiet_s if self._hub.connected else _POLL_S)
                deadline = self._moved + timeout_s
                if loop.time() >= min(silence, deadline):
                    if silence > deadline:
                        return False
                    self._quiet_s = min(2 * self._quiet_s, _QUIET_MOST_S)
                    listener.stale("silence")
                    return True
                # Set once for many chunks: what is poured only moves the times.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(min(silence, deadline)):
                        await listener.wake.wait()
        finally:
            listener.pour = None
        return True


def _joined(chunks: list[Chunk]) -> bytes:
    return chunks[0].data if len(chunks) == 1 else b"".join(chunk.data for chunk in chunks)
