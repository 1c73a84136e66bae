"""The doorbell of a lane, on which an idle worker waits: a job starts in about 2 ms instead of after a poll.

On the same connection come the worker's nudges: one of its jobs was cancelled, and it need not wait for its next
renewal to hear of it.
Invariant: a token carries no data, so one that is lost, or that is one too many, costs a look into the queue, or the
time until the next renewal.
Does not know: the queue, the leases.
"""

import asyncio
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from streamlog.keys import Keys, Lane
from streamlog.link import Link, packed
from streamlog.settings import RedisSettings


class Bell(Link):
    """A connection of its own, because waiting blocks it. One waiter at a time."""

    def __init__(self, settings: RedisSettings, keys: Keys, worker: str, lane: Lane = Lane.WORK) -> None:
        super().__init__(settings)
        self.lane = lane
        self._nudges = keys.nudges(worker)
        self._keys = (keys.bell + lane, self._nudges)
        self._rung: asyncio.Future[bool] | None = None
        self._asked: list[bytes] = []

    async def wait(self, most_s: float) -> bool:
        """Return when the bell has rung, at the latest after `most_s`; True if it was a nudge.

        Raises `RedisConnectionError` when the connection is lost meanwhile, `TimeoutError` when Redis says nothing.
        """
        self._rung = asyncio.get_running_loop().create_future()
        self._asked = [packed(("BLPOP", *self._keys, str(most_s)))]
        self._write_soon()
        try:
            async with asyncio.timeout(most_s + self._timeout_s):
                return await self._rung
        except TimeoutError:
            self.drop()
            raise
        finally:
            self._rung = None

    async def _greet(self, connection: AbstractConnection) -> None:
        return

    def _pending(self) -> list[bytes]:
        asked, self._asked = self._asked, []
        return asked

    def _reply(self, reply: Any) -> None:
        if isinstance(reply, ResponseError):
            raise RedisConnectionError(str(reply))
        if self._rung is not None and not self._rung.done():
            self._rung.set_result(reply is not None and reply[0].decode() == self._nudges)

    def _lost(self) -> None:
        self._asked = []
        if self._rung is not None and not self._rung.done():
            self._rung.set_exception(RedisConnectionError("the connection was lost"))
