"""Who is listening: a gateway's word, in Redis, that it watches certain jobs.

Invariant: a job is watched as long as one gateway's word holds, so the death of a gateway ends its word and
nothing else; leaving is stamped, so the grace time counts from the last subscriber's going.
Does not know: what happens to a job that nobody watches (renew and sweep do).
"""

import asyncio
import contextlib
from collections import Counter

from streamlog.line import Line
from streamlog.redis_link import LINK_ERRORS
from streamlog.settings import JobSettings

_PAGE = 500


class Presence:
    """Counts the local subscribers of each job. Redis hears at once who left, each third of `watch_s` who stays."""

    def __init__(self, line: Line, gateway: str, settings: JobSettings) -> None:
        self._line = line
        self.gateway = gateway
        self._watch_s = settings.watch_s
        self._subscribers: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep_watching(), name="presence")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @property
    def subscribers(self) -> int:
        """All open subscribers of this gateway."""
        return self._subscribers.total()

    def join(self, job_id: str, *, known: bool) -> None:
        """A subscriber more. `known` if the submit has already said so to Redis."""
        self._subscribers[job_id] += 1
        if not known:
            _forget(self._line.script("watch", self.gateway, int(self._watch_s * 1000), job_id))

    def leave(self, job_id: str, *, ended: bool) -> None:
        """A subscriber fewer. `ended` if the job is over, so that nobody needs to know."""
        self._subscribers[job_id] -= 1
        if self._subscribers[job_id] <= 0:
            del self._subscribers[job_id]
            if not ended:
                _forget(self._line.script("leave", self.gateway, job_id))

    async def _keep_watching(self) -> None:
        while True:
            await asyncio.sleep(self._watch_s / 3)
            ids = list(self._subscribers)
            for at in range(0, len(ids), _PAGE):
                page = [job_id for job_id in ids[at : at + _PAGE] if job_id in self._subscribers]
                with contextlib.suppress(*LINK_ERRORS):  # the next round says it again
                    await self._line.script("watch", self.gateway, int(self._watch_s * 1000), *page)


def _forget(answer: "asyncio.Future[object]") -> None:
    """Nobody waits for this answer: the word is repeated, or runs out, by itself."""
    answer.add_done_callback(lambda done: done.cancelled() or done.exception())
