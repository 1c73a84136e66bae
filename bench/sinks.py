"""What is looked for in an answer: when its first text came, how long each delta was under way, or how many came.

Invariant: none depends on where reads or HTTP chunks cut the events, nor on how a gateway writes them: each delta's
text begins with `@` and a number, and nothing else in an answer does.
Does not know: HTTP.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left

_BEGIN = b'"@'
_STAMP = re.compile(rb'"@(\d+) ')


class FirstToken:
    """From the writing of the request to the read that brings the first delta: `delay_ns`, 0 before that."""

    def __init__(self) -> None:
        self.delay_ns = 0
        self._sent_ns = 0
        self._tail = b""

    def sent(self, now_ns: int) -> None:
        self._sent_ns = now_ns

    def received(self, body: bytes, now_ns: int) -> None:
        if self.delay_ns:
            return
        if _BEGIN in self._tail + body:
            self.delay_ns = now_ns - self._sent_ns
        self._tail = body[-1:]


class Count:
    """How many deltas came so far, and how many answers began: `deltas`, `answers`."""

    def __init__(self) -> None:
        self.deltas = 0
        self.answers = 0
        self._tail = b""

    def sent(self, now_ns: int) -> None:
        self.answers += 1

    def received(self, body: bytes, now_ns: int) -> None:
        self.deltas += (self._tail + body).count(_BEGIN)
        self._tail = body[-1:]


class DeltaDelays:
    """From the upstream's stamp in a delta to the read that brings its end: `delays_ns` beside `stamps_ns`."""

    def __init__(self) -> None:
        self.sent_ns = 0
        self.stamps_ns = array("q")
        self.delays_ns = array("q")
        self._rest = b""

    def sent(self, now_ns: int) -> None:
        self.sent_ns = now_ns

    def received(self, body: bytes, now_ns: int) -> None:
        events, _, self._rest = (self._rest + body).rpartition(b"\n\n")
        for stamp in _STAMP.findall(events):
            stamp_ns = int(stamp)
            self.stamps_ns.append(stamp_ns)
            self.delays_ns.append(now_ns - stamp_ns)

    def between(self, begin_ns: int, end_ns: int) -> list[int]:
        """The delays of the deltas that were sent in this window, in ns."""
        return list(self.delays_ns[bisect_left(self.stamps_ns, begin_ns) : bisect_left(self.stamps_ns, end_ns)])

    def came(self, begin_ns: int, end_ns: int) -> int:
        """How many deltas came in this window, whenever they were sent."""
        arrivals = [stamp + delay for stamp, delay in zip(self.stamps_ns, self.delays_ns, strict=True)]
        return bisect_left(arrivals, end_ns) - bisect_left(arrivals, begin_ns)
