"""A connection to Redis that comes back by itself: what `Line` and `Hub` have in common.

Invariant: while it is open there is one reader and one writer on one connection, both begin anew after a loss, and
`_lost` runs in between. Does not know: what is said on the connection.
"""

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine

from redis.asyncio.connection import AbstractConnection

from streamlog.redis_link import LINK_ERRORS, connect
from streamlog.settings import RedisSettings

_RECONNECT_S = (0.0, 0.02, 0.05, 0.1, 0.2)
_log = logging.getLogger("sluice.redis")


class Link(ABC):
    """Begin with `start`, end with `close`. `connected` tells whether Redis has been greeted."""

    def __init__(self, settings: RedisSettings) -> None:
        self._timeout_s = settings.redis_timeout_s
        self._pool = connect(settings, most=1, retries=0).connection_pool
        self._task: asyncio.Task[None] | None = None
        self._connection: AbstractConnection | None = None
        self.connected = False

    async def start(self) -> None:
        """Begin connecting; returns at once."""
        self._task = asyncio.create_task(self._run(), name=type(self).__name__)

    async def close(self) -> None:
        """Drop the connection for good."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def drop(self) -> None:
        """Give up the present connection, as a lost one."""
        if self._connection is not None and self._connection._writer is not None:
            self._connection._writer.transport.abort()

    @abstractmethod
    async def _greet(self, connection: AbstractConnection) -> None:
        """Say what must be said first; limited by the timeout."""

    @abstractmethod
    async def _read(self, connection: AbstractConnection) -> None:
        """Read until the connection fails."""

    @abstractmethod
    async def _write(self, connection: AbstractConnection) -> None:
        """Write until the connection fails."""

    @abstractmethod
    def _lost(self) -> None:
        """The connection is gone."""

    async def _run(self) -> None:
        failures = 0
        while True:
            connection = self._connection = self._pool.make_connection()  # type: ignore[no-untyped-call]  # redis-py's own gap
            try:
                async with asyncio.timeout(self._timeout_s):
                    await connection.connect()
                    # From here on the subclasses limit their waits; redis-py's way costs a task for each write.
                    connection.socket_timeout = None
                    await self._greet(connection)
                failures, self.connected = 0, True
                await _until_one_fails(self._read(connection), self._write(connection))
            except LINK_ERRORS as error:
                if failures == 0:  # once per outage, not once per try
                    _log.warning("redis connection lost: %s: %s", type(error).__name__, error)
            except Exception:  # a reply that nobody foresaw must not end the process's only link
                _log.exception("redis connection given up")
            finally:
                self.connected = False
                with contextlib.suppress(*LINK_ERRORS):
                    await connection.disconnect(nowait=True)
            self._lost()
            await asyncio.sleep(_RECONNECT_S[min(failures, len(_RECONNECT_S) - 1)])
            failures += 1


async def _until_one_fails(*parts: Coroutine[None, None, None]) -> None:
    """Run all; when the first ends, cancel the others and raise what it raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
