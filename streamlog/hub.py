"""One pub/sub connection per process, shared by all who listen to jobs.

Invariant: pub/sub is only ever a hint. A listener is told `stale` whenever it may have missed a chunk (a new or
renewed subscription, an overflowing buffer) and then reads the log; so losing messages, which Redis does silently,
costs a delay and never a frame.
Does not know: positions, endings, HTTP.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from streamlog.frames import Chunk, read_chunk
from streamlog.keys import Keys
from streamlog.link import Link, packed
from streamlog.settings import RedisSettings

BUFFER_BYTES = 128 * 1024


class Wake:
    """An event for one waiter. `asyncio.Event` keeps a queue of waiters, 0.7 kB for each open stream."""

    __slots__ = ("_set", "_waiter")

    def __init__(self) -> None:
        self._set = False
        self._waiter: asyncio.Future[None] | None = None

    def is_set(self) -> bool:
        return self._set

    def clear(self) -> None:
        self._set = False

    def set(self) -> None:
        """Wake who waits, or who will."""
        self._set = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self) -> None:
        """Return once it is set."""
        if not self._set:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None


class Listener:
    """What one subscriber has received and not yet taken: one chunk, or at most `BUFFER_BYTES`; else it is stale.

    Chunks wake the subscriber's task; with `pour` set they are poured instead, once for all that one read has brought,
    without a switch of tasks. Everything else always wakes.
    """

    __slots__ = ("_bytes", "chunks", "pour", "reason", "wake")

    def __init__(self) -> None:
        self.chunks: list[Chunk] = []  # few, so that a queue of its own kind would be larger than they are
        self.wake = Wake()
        self.pour: Callable[[], None] | None = None
        self.reason: str | None = None  # why the log must be read; None while it need not be
        self._bytes = 0

    def offer(self, chunk: Chunk) -> None:
        """A published chunk has arrived."""
        if self.chunks and self._bytes + len(chunk.data) > BUFFER_BYTES:
            self.stale("overflow")
            return
        self._bytes += len(chunk.data)
        self.chunks.append(chunk)
        if self.pour is None:
            self.wake.set()

    def take(self) -> Chunk:
        """The oldest chunk; raises `IndexError` if there is none."""
        chunk = self.chunks.pop(0)
        self._bytes -= len(chunk.data)
        return chunk

    def stale(self, reason: str) -> None:
        """Something may have been missed. What is buffered is in the log as well, so it is let go."""
        self.reason = reason
        self.chunks.clear()
        self._bytes = 0
        self.wake.set()


class Hub(Link):
    """`listen` and `unlisten` only note what is wanted and never wait; without `pubsub` nothing ever arrives."""

    def __init__(self, settings: RedisSettings, keys: Keys) -> None:
        super().__init__(settings)
        self._enabled = settings.pubsub
        self._keys = keys
        self._listeners: dict[bytes, set[Listener]] = {}
        self._wanted: dict[bytes, bool] = {}  # channel -> subscribe (or unsubscribe), to be sent
        self._fed: list[Listener] = []  # by the present read
        self._heard = 0.0
        self.losses = 0  # of the connection, so far
        self._watch: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if self._enabled:
            await super().start()
            self._watch = asyncio.create_task(self._notice_silence(), name="hub keepalive")

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        await super().close()

    def listen(self, job_id: str) -> Listener:
        """A new listener to the job's channel; it becomes stale when Redis confirms the subscription."""
        channel, listener = self._keys.channel(job_id), Listener()
        others = self._listeners.setdefault(channel, set())
        others.add(listener)
        if len(others) == 1:
            self._want(channel, True)
        return listener

    def unlisten(self, job_id: str, listener: Listener) -> None:
        """The listener leaves; the last one takes the subscription along."""
        channel = self._keys.channel(job_id)
        others = self._listeners.get(channel, set())
        others.discard(listener)
        if not others and self._listeners.pop(channel, None) is not None:
            self._want(channel, False)

    def _want(self, channel: bytes, subscribe: bool) -> None:
        if self._enabled:  # nobody would ever send it
            self._wanted[channel] = subscribe
            self._write_soon()

    async def _greet(self, connection: AbstractConnection) -> None:
        """Nothing is subscribed on a new connection: everything is wanted again."""
        self._heard = asyncio.get_running_loop().time()
        self._wanted = dict.fromkeys(self._listeners, True)

    def _pending(self) -> list[bytes]:
        wanted, self._wanted = self._wanted, {}
        pending: list[bytes] = []
        for verb, subscribe in ((b"UNSUBSCRIBE", False), (b"SUBSCRIBE", True)):
            channels = [channel for channel, want in wanted.items() if want is subscribe]
            if channels:
                pending.append(packed((verb, *channels)))
        return pending

    def _reply(self, reply: Any) -> None:
        self._heard = asyncio.get_running_loop().time()
        if isinstance(reply, ResponseError):
            raise RedisConnectionError(str(reply))
        if reply[0] == b"message":
            self._deliver(reply[1], reply[2])
        elif reply[0] == b"subscribe":
            for listener in self._listeners.get(reply[1], ()):
                listener.stale("resubscribe")

    async def _notice_silence(self) -> None:
        """A PING now and then; without even a PONG the link is dead and given up."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._timeout_s / 3)
            if self._wire is None:
                continue
            if loop.time() - self._heard > self._timeout_s:
                self.drop()
            elif self._wire.writable and not self._wire.transport.is_closing():
                self._wire.transport.write(packed((b"PING",)))

    def _deliver(self, channel: bytes, message: bytes) -> None:
        listeners = self._listeners.get(channel, ())
        try:
            chunk = read_chunk(message)
        except ValueError:  # not ours: the log knows better
            for listener in listeners:
                listener.stale("gap")
            return
        for listener in listeners:
            listener.offer(chunk)
            if listener.pour is not None:
                self._fed.append(listener)

    def _read_over(self) -> None:
        fed, self._fed = self._fed, []
        for listener in fed:
            if listener.chunks and listener.pour is not None:
                listener.pour()

    def _lost(self) -> None:
        """Followers wait for less while there is no connection, so they must look again."""
        self.losses += 1
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.wake.set()
