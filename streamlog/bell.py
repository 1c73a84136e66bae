"""The doorbell of a lane, on which an idle worker waits: a job starts in about 2 ms instead of after a poll.

Behind the wait, on the same connection, stands what the worker would ask next: Redis carries it out as the bell rings,
which saves a round trip. There also come the worker's nudges: one of its jobs was cancelled, and it need not wait for
its next renewal to hear of it.
Invariant: a token carries no data, so one that is lost, or that is one too many, costs a look into the queue, or the
time until the next renewal.
Does not know: the queue, the leases.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from streamlog.keys import Keys, Lane
from streamlog.link import Link, packed
from streamlog.scripts import Argument
from streamlog.settings import RedisSettings


class Bell(Link):
    """A connection of its own, because waiting blocks it. One waiter at a time."""

    def __init__(self, settings: RedisSettings, keys: Keys, worker: str, lane: Lane = Lane.WORK) -> None:
        super().__init__(settings)
        self.lane = lane
        self._nudges = keys.nudges(worker)
        self._keys = (keys.bell + lane, self._nudges)
        self._rung: asyncio.Future[tuple[bool, Any]] | None = None
        self._asked: list[bytes] = []
        self._replies: list[Any] = []

    async def wait(self, most_s: float, then: Sequence[Argument]) -> tuple[bool, Any]:
        """Wait until the bell has rung, at most `most_s`; with that, Redis carries out the command `then`.

        Answers whether it was a nudge, and what `then` answered. Raises `RedisConnectionError` when the connection is
        lost meanwhile, `TimeoutError` when Redis says nothing, `ResponseError` when it refuses.
        """
        self._rung, self._replies = asyncio.get_running_loop().create_future(), []
        self._asked = [packed(("BLPOP", *self._keys, str(most_s))), packed(tuple(then))]
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
        if isinstance(reply, ResponseError) and str(reply).startswith("NOSCRIPT"):
            raise RedisConnectionError("redis has forgotten the scripts")
        self._replies.append(reply)
        if len(self._replies) < 2 or self._rung is None or self._rung.done():
            return
        rung, told = self._replies
        for refused in (rung, told):
            if isinstance(refused, ResponseError):
                self._rung.set_exception(refused)
                return
        self._rung.set_result((rung is not None and rung[0].decode() == self._nudges, told))

    def _lost(self) -> None:
        self._asked = []
        if self._rung is not None and not self._rung.done():
            self._rung.set_exception(RedisConnectionError("the connection was lost"))
