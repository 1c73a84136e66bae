"""A connection to Redis that comes back by itself: what `Line` and `Hub` have in common.

redis-py connects, authenticates and selects; then our own protocol takes the transport over, because redis-py's
streams cost a task switch and several awaits for each reply (380 µs a round trip against 200, 43 µs a pipelined call
against 15, measured).
Invariant: there is one connection at a time; each reply goes to `_reply` in order; `_lost` runs after each loss,
before the next connection. Does not know: what is said on the connection.
"""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from typing import Any, cast

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from streamlog.redis_link import LINK_ERRORS, connect
from streamlog.scripts import Argument
from streamlog.settings import RedisSettings

_RECONNECT_S = (0.0, 0.02, 0.05, 0.1, 0.2)
_log = logging.getLogger("sluice.redis")


class _Wire(asyncio.Protocol):
    """One connection's bytes, after the greeting."""

    def __init__(self, link: "Link", transport: asyncio.Transport) -> None:
        self.transport = transport
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.writable = True
        self._link = link
        self._reader = hiredis.Reader(replyError=ResponseError)

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._link._reply(reply)
            self._link._read_over()
        except Exception as error:
            if not self.closed.done():
                self.closed.set_exception(error)
            self.transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_exception(RedisConnectionError(str(error or "closed by the server")))

    def pause_writing(self) -> None:
        self.writable = False

    def resume_writing(self) -> None:
        self.writable = True
        self._link._flush()


class Link(ABC):
    """Begin with `start`, end with `close`. `connected` tells whether Redis has been greeted."""

    def __init__(self, settings: RedisSettings) -> None:
        self._timeout_s = settings.redis_timeout_s
        self._pool = connect(settings, most=1, retries=0).connection_pool
        self._task: asyncio.Task[None] | None = None
        self._wire: _Wire | None = None
        self._flush_due = False

    @property
    def connected(self) -> bool:
        return self._wire is not None

    async def start(self) -> None:
        """Begin connecting; returns at once."""
        self._task = asyncio.create_task(self._run(), name=type(self).__name__)

    async def close(self) -> None:
        """Drop the connection for good."""
        while self._task is not None and not self._task.done():
            # Again and again: `wait_for` of Python 3.11, which redis-py connects with, can lose a cancellation.
            self._task.cancel()
            await asyncio.wait([self._task], timeout=0.05)

    def drop(self) -> None:
        """Give up the present connection, as a lost one."""
        if self._wire is not None:
            self._wire.transport.abort()

    @abstractmethod
    async def _greet(self, connection: AbstractConnection) -> None:
        """Say what must be said first; limited by the timeout."""

    @abstractmethod
    def _reply(self, reply: Any) -> None:
        """A reply has come. An exception that this raises gives the connection up."""

    def _read_over(self) -> None:  # noqa: B027 - only who gathers has something to do then
        """All replies of one read have been told."""

    @abstractmethod
    def _pending(self) -> list[bytes]:
        """What is to be written now."""

    @abstractmethod
    def _lost(self) -> None:
        """The connection is gone."""

    def _write_soon(self) -> None:
        """Write what is pending at the end of this loop turn: all of it at once."""
        if not self._flush_due:
            self._flush_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        wire = self._wire
        if wire is None or not wire.writable or wire.transport.is_closing():  # what waits goes out on the next one
            return
        if pending := self._pending():
            wire.transport.write(b"".join(pending))

    async def _run(self) -> None:
        failures = 0
        while True:
            connection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py's own gap
            try:
                wire = await self._open(connection)
                failures, self._wire = 0, wire
                self._flush()
                await wire.closed
            except LINK_ERRORS as error:
                if failures == 0:  # once per outage, not once per try
                    _log.warning("redis connection lost: %s: %s", type(error).__name__, error)
            except Exception:  # a reply that nobody foresaw must not end the process's only link
                _log.exception("redis connection given up")
            finally:
                self.drop()
                self._wire = None
                with contextlib.suppress(*LINK_ERRORS):
                    await connection.disconnect(nowait=True)
            self._lost()
            await asyncio.sleep(_RECONNECT_S[min(failures, len(_RECONNECT_S) - 1)])
            failures += 1

    async def _open(self, connection: AbstractConnection) -> _Wire:
        async with asyncio.timeout(self._timeout_s):
            await connection.connect()  # type: ignore[no-untyped-call]  # redis-py's own gap
            await self._greet(connection)
        assert connection._writer is not None
        transport = cast(asyncio.Transport, connection._writer.transport)
        wire = _Wire(self, transport)
        transport.set_protocol(wire)
        return wire


def packed(command: tuple[Argument, ...]) -> bytes:
    """A command in Redis' protocol."""
    # hiredis declares a tuple of one, and nothing about what it returns
    return cast(bytes, hiredis.pack_command(command))  # type: ignore[arg-type]
