"""How often the streams of this worker are read, so that all workers together write no more than Redis can bear.

Each read of a stream that speaks becomes a chunk: an append, a message to each gateway that listens, a write to each
client. Below the limit a stream is read whenever its socket is ready. Beyond it, streams take turns, and what comes
meanwhile waits in the kernel and is one chunk: the delay grows evenly, by the number of streams, and the cost does not
(`docs/decisions/0014-streams-take-turns.md`).
Invariant: at most `most_per_s` reads a second, and `_AT_ONCE` more; who waits is served in the order of asking.
Does not know: what is read, where it goes.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

from telemetry import announce, facts

_AT_ONCE = 100
_BEAT_S = 0.001


class Pace:
    """`most_per_s` is what all workers may read together."""

    def __init__(self, most_per_s: float) -> None:
        self._most_per_s = most_per_s
        self._gap_s = 1 / most_per_s
        self._next_at = 0.0  # when the next read is due, had each come at its time
        self._waiting: deque[Callable[[], None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def share(self, own: int, running: int) -> None:
        """This worker runs `own` of all the `running` jobs: as much of the limit is its own."""
        self._gap_s = max(1, running) / (self._most_per_s * max(1, min(own, running)))

    def again(self, resume: Callable[[], None]) -> bool:
        """Whether a stream that has been read may be read again at once; else `resume` is called at its turn."""
        now = monotonic()
        if not self._waiting and self._due(now):
            return True
        self._waiting.append(resume)
        self._beat_soon(now)
        return False

    def _due(self, now: float) -> bool:
        at = max(self._next_at, now - _AT_ONCE * self._gap_s)
        if at > now:
            return False
        self._next_at = at + self._gap_s
        return True

    def _beat_soon(self, now: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(max(_BEAT_S, self._next_at - now), self._beat)

    def _beat(self) -> None:
        self._timer = None
        now, turns = monotonic(), 0
        while self._waiting and self._due(now):
            self._waiting.popleft()()
            turns += 1
        announce(facts.StreamsRested(turns))
        if self._waiting:
            self._beat_soon(now)
