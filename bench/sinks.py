"""What is looked for in an answer: when its first text came, or how long each of its deltas was under way.

Invariant: neither depends on where reads or HTTP chunks cut the events.
Does not know: HTTP.
"""

from __future__ import annotations

import re
from array import array

_DELTA = b"content_block_delta"
_STAMP = re.compile(rb'"text":"@(\d+) ')


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
        seen = self._tail + body
        if _DELTA in seen:
            self.delay_ns = now_ns - self._sent_ns
        self._tail = seen[1 - len(_DELTA) :]


class DeltaDelays:
    """From the upstream's stamp in a delta to the read that brings its end: `delays_ns` beside `stamps_ns`."""

    def __init__(self) -> None:
        self.stamps_ns = array("q")
        self.delays_ns = array("q")
        self._rest = b""

    def sent(self, now_ns: int) -> None:
        """The request's own time does not matter here."""

    def received(self, body: bytes, now_ns: int) -> None:
        events, _, self._rest = (self._rest + body).rpartition(b"\n\n")
        for stamp in _STAMP.findall(events):
            stamp_ns = int(stamp)
            self.stamps_ns.append(stamp_ns)
            self.delays_ns.append(now_ns - stamp_ns)

    def between(self, begin_ns: int, end_ns: int) -> list[int]:
        """The delays of the deltas that were sent in this window, in ns."""
        pairs = zip(self.stamps_ns, self.delays_ns, strict=True)
        return [delay_ns for stamp_ns, delay_ns in pairs if begin_ns <= stamp_ns < end_ns]
