"""How often the streams of this worker are read, so that all workers together write no more than Redis can bear.

Each read of a stream that speaks becomes a chunk: an append, a message to each gateway that listens, a write to each
client. While no more events come than the limit, a stream is read whenever its socket is ready. Beyond it, streams take
turns, and what comes meanwhile waits in the kernel and is one chunk: the delay grows evenly, by the number of streams,
and the cost does not. The more comes, the rarer the turns, down to half of the limit: a chunk costs hardly more for the
events in it (`docs/decisions/0014-streams-take-turns.md`).
Invariant: at most `most_per_s` reads a second, and `_AT_ONCE` more; who waits is served in the order of asking.
Does not know: what is read, where it goes.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

from telemetry import announce, facts

_AT_ONCE = 100
_TOGETHER = 32  # those whose turn comes within a beat share one turn of the loop, one write to Redis
_BEAT_LEAST_S, _BEAT_MOST_S = 0.001, 0.02
_COUNTED_S = 0.25
_RAREST = 0.5


class Pace:
    """`most_per_s` is what all workers may read together. `on_beat` hears of each beat, and how many seconds it lasts:
    what is read in it belongs together."""

    def __init__(self, most_per_s: float, on_beat: Callable[[float], None]) -> None:
        self._most_per_s = most_per_s
        self._on_beat = on_beat
        self._own_per_s = most_per_s
        self._events = 0
        self._counted_at = 0.0
        self._events_per_s = 0.0
        self._next_at = 0.0  # when the next read is due, had each come at its time
        self._waiting: deque[Callable[[], None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._adapt()

    def share(self, own: int, running: int) -> None:
        """This worker runs `own` of all the `running` jobs: as much of the limit is its own."""
        self._own_per_s = self._most_per_s * max(1, min(own, running)) / max(1, running)
        self._adapt()

    def again(self, events: int, resume: Callable[[], None]) -> bool:
        """Whether a stream of which so many events have been read may be read again at once; else `resume` is called
        at its turn."""
        now = monotonic()
        self._count(events, now)
        if not self._waiting and self._due(now):
            return True
        self._waiting.append(resume)
        self._beat_soon(now)
        return False

    def _count(self, events: int, now: float) -> None:
        self._events += events
        if now >= self._counted_at + _COUNTED_S:
            self._events_per_s = self._events / (now - self._counted_at)
            self._events, self._counted_at = 0, now
            self._adapt()

    def _adapt(self) -> None:
        beyond = self._events_per_s / self._own_per_s - 1
        self._gap_s = 1 / (self._own_per_s * (1 - (1 - _RAREST) * min(max(beyond, 0.0), 1.0)))
        self._beat_s = min(max(_TOGETHER * self._gap_s, _BEAT_LEAST_S), _BEAT_MOST_S)
        self._credit_s = max(_AT_ONCE * self._gap_s, 2 * self._beat_s)  # a beat that comes late makes up for it

    def _due(self, now: float) -> bool:
        at = max(self._next_at, now - self._credit_s)
        if at > now:
            return False
        self._next_at = at + self._gap_s
        return True

    def _beat_soon(self, now: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(max(self._beat_s, self._next_at - now), self._beat)

    def _beat(self) -> None:
        self._timer = None
        self._on_beat(self._beat_s)
        now, turns = monotonic(), 0
        while self._waiting and self._due(now):
            self._waiting.popleft()()
            turns += 1
        announce(facts.StreamsRested(turns))
        if self._waiting:
            self._beat_soon(now)
