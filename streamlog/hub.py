"""One pub/sub connection per process, shared by all who listen to jobs.

Invariant: pub/sub is only ever a hint. A listener is told `stale` whenever it may have missed a chunk (a new or
renewed subscription, an overflowing buffer) and then reads the log; so losing messages, which Redis does silently,
costs a delay and never a frame.
Does not know: positions, endings, HTTP.
"""

import asyncio
from collections import deque

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError

from streamlog.frames import Chunk, from_message
from streamlog.keys import Keys
from streamlog.link import Link
from streamlog.settings import RedisSettings

BUFFER_BYTES = 128 * 1024


class Listener:
    """What one subscriber has received and not yet taken: at most `BUFFER_BYTES`, else it is stale."""

    __slots__ = ("_bytes", "chunks", "reason", "wake")

    def __init__(self) -> None:
        self.chunks: deque[Chunk] = deque()
        self.wake = asyncio.Event()
        self.reason: str | None = None  # why the log must be read; None while it need not be
        self._bytes = 0

    def offer(self, chunk: Chunk) -> None:
        """A published chunk has arrived."""
        if self._bytes + len(chunk.data) > BUFFER_BYTES:
            self.stale("overflow")
            return
        self._bytes += len(chunk.data)
        self.chunks.append(chunk)
        self.wake.set()

    def take(self) -> Chunk:
        """The oldest chunk; raises `IndexError` if there is none."""
        chunk = self.chunks.popleft()
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
        self._wake = asyncio.Event()

    async def start(self) -> None:
        if self._enabled:
            await super().start()

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
        self._wanted[channel] = subscribe
        self._wake.set()

    async def _greet(self, connection: AbstractConnection) -> None:
        """Nothing is subscribed on a new connection: everything is wanted again."""
        self._wanted = dict.fromkeys(self._listeners, True)
        self._wake.set()

    async def _write(self, connection: AbstractConnection) -> None:
        """Send what is wanted; on silence a PING, so that a dead link is noticed."""
        while True:
            try:
                async with asyncio.timeout(self._timeout_s / 3):
                    await self._wake.wait()
            except TimeoutError:
                await connection.send_command("PING", check_health=False)
                continue
            self._wake.clear()
            wanted, self._wanted = self._wanted, {}
            for verb, subscribe in ((b"UNSUBSCRIBE", False), (b"SUBSCRIBE", True)):
                channels = [channel for channel, want in wanted.items() if want is subscribe]
                if channels:
                    await connection.send_command(verb, *channels, check_health=False)

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            answer = await connection.read_response(disable_decoding=True, timeout=self._timeout_s)
            if answer is None:
                raise RedisConnectionError("not even a PONG from redis")
            if answer[0] == b"message":
                self._deliver(answer[1], answer[2])
            elif answer[0] == b"subscribe":
                for listener in self._listeners.get(answer[1], ()):
                    listener.stale("resubscribe")

    def _deliver(self, channel: bytes, message: bytes) -> None:
        listeners = self._listeners.get(channel, ())
        try:
            chunk = from_message(message)
        except ValueError:  # not ours: the log knows better
            for listener in listeners:
                listener.stale("gap")
            return
        for listener in listeners:
            listener.offer(chunk)

    def _lost(self) -> None:
        """Followers wait for less while there is no connection, so they must look again."""
        for listeners in self._listeners.values():
            for listener in listeners:
                listener.wake.set()
