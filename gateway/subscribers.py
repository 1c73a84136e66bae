"""The open responses of this gateway, and how they are made to stop.

Invariant: each is counted from its opening to its close, in the metrics, in Redis (`Presence`) and here, whichever
side closes it; a drain ends every one of them within its limit.
Does not know: what is sent to them.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Scope

from gateway.protocol import Pouring, pouring_of
from streamlog.follow import Follower
from streamlog.presence import Presence
from telemetry import announce, facts

_SPREAD_S = 3.0
_LAST_WORDS_S = 2.0


class Subscriber:
    """One open response that follows one job. `resumes` says that its client can come back elsewhere.

    `gone`: the client has left. `stopping`: this gateway has to end the response.
    """

    def __init__(self, follower: Follower, *, resumes: bool) -> None:
        self.follower = follower
        self.resumes = resumes
        self.gone = False
        self.stopping = False

    def stop(self) -> None:
        """Ask the response to end."""
        self.stopping = True
        self.follower.interrupt()

    def left(self) -> None:
        """Its client has left."""
        self.gone = True
        self.follower.interrupt()

    @contextmanager
    def watched(self, pouring: Pouring) -> Iterator[None]:
        """Notice that the client leaves, from the first moment on, while the block runs."""
        pouring.watch(self.left)
        try:
            yield
        finally:
            pouring.unwatch(self.left)


class Subscribers:
    """All of them. `draining` once no new work may begin."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._open: set[Subscriber] = set()
        self._emptied = asyncio.Event()
        self._spread_s = 0.0
        self._coming = 0
        self._stopped = False
        self.draining = False

    @contextmanager
    def coming(self) -> Iterator[None]:
        """While the block runs a job is being submitted whose response is not open yet: a drain waits for it."""
        self._coming += 1
        try:
            yield
        finally:
            self._coming -= 1
            self._emptied.set()

    @contextmanager
    def opened(self, follower: Follower, scope: Scope, *, resumes: bool, known: bool) -> Iterator[Subscriber]:
        """Count a response as open while the block runs. `known` if Redis has heard of it with the submit."""
        subscriber = Subscriber(follower, resumes=resumes)
        self._open.add(subscriber)
        self._presence.join(follower.job_id, known=known)
        announce(facts.SubscriberJoined())
        if self._stopped:
            subscriber.stop()
        elif self.draining and resumes:  # it came back here; else it would stay until the drain's limit
            self._send_away(subscriber)
        try:
            with subscriber.watched(pouring_of(scope)):
                yield subscriber
        finally:
            follower.close()
            self._open.discard(subscriber)
            self._presence.leave(follower.job_id, ended=follower.ended)
            announce(facts.SubscriberLeft())
            self._emptied.set()

    async def drain(self, limit_s: float) -> None:
        """Send away who can come back, spread over some seconds; wait for the others; at the limit stop them too."""
        self.draining, self._spread_s = True, min(_SPREAD_S, limit_s / 2)
        for subscriber in list(self._open):
            if subscriber.resumes:
                self._send_away(subscriber)
        await self._empty(limit_s)
        self._stopped = True
        for subscriber in list(self._open):
            subscriber.stop()
        await self._empty(_LAST_WORDS_S)

    def _send_away(self, subscriber: Subscriber) -> None:
        delay_s = random.uniform(0, self._spread_s)  # noqa: S311 -- no secret
        asyncio.get_running_loop().call_later(delay_s, subscriber.stop)

    async def _empty(self, limit_s: float) -> None:
        try:
            async with asyncio.timeout(limit_s):
                while self._open or self._coming:
                    self._emptied.clear()
                    await self._emptied.wait()
        except TimeoutError:
            return
