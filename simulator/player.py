"""Plays a script over an exchange: every frame at its time, none early, all that are due in one write.

Invariant: the k-th paced frame is due at start + first token + k / pace, whatever happened before, so a late one
makes no other late; and the call in the ledger is closed exactly once. Does not know what frames say.
"""

from __future__ import annotations

import time

from simulator.choice import Pace
from simulator.delivery import Ending, Script
from simulator.exchange import Exchange
from simulator.ledger import Call, Ended, Ledger
from simulator.message import stamped
from simulator.pacer import SLACK_S, Pacer, Wakeup

MAX_FRAMES_A_WRITE = 128
"""Other streams get their turn after so many."""


class Player:
    """One script on its way. `start` begins it; it ends by itself or when the client leaves."""

    def __init__(
        self,
        script: Script,
        pace: Pace,
        *,
        stamp: bool,
        pacer: Pacer,
        exchange: Exchange,
        ledger: Ledger,
        call: Call,
    ) -> None:
        self._script = script
        self._frames = script.frames
        self._stamp = stamp
        self._pacer = pacer
        self._exchange = exchange
        self._ledger = ledger
        self._call = call
        self._at = 0
        self._burst = 1 if script.one_by_one else MAX_FRAMES_A_WRITE
        self._due_s = call.started + pace.first_token_ms / 1000
        self._gap_s = 1 / pace.tokens_per_second if pace.tokens_per_second else 0.0
        self._wakeup: Wakeup | None = None

    def start(self) -> None:
        """Send what is due now. The head has been sent, unless the script has none."""
        self._exchange.on_gone = self._gone
        self._exchange.on_writable = lambda: self._play(time.monotonic())
        self._play(time.monotonic())

    def _play(self, now_s: float) -> None:
        data = self._take_due(now_s)
        if data:
            self._exchange.write(data)
        if self._exchange.paused or self._call.ending is not None:
            return
        if self._at == len(self._frames):
            self._end()
        else:
            due_s = self._due_s if self._frames[self._at].paced else now_s
            self._wakeup = self._pacer.call_at(due_s, self._play)

    def _take_due(self, now_s: float) -> bytes:
        due: list[bytes] = []
        for index in range(self._at, min(self._at + self._burst, len(self._frames))):
            data, paced, content, text, events = self._frames[index]
            if paced:
                if self._due_s > now_s + SLACK_S:
                    break
                self._due_s += self._gap_s
            if content and self._call.first_content is None:
                self._call.first_content = now_s
            self._call.events += events
            due.append(stamped(data, time.monotonic_ns()) if text and self._stamp else data)
        self._at += len(due)
        return b"".join(due)

    def _end(self) -> None:
        if self._script.ending is Ending.STALL:
            return
        self._close(self._script.ended)
        finish = {
            Ending.FINISH: self._exchange.end,
            Ending.CLOSE: self._exchange.close,
            Ending.RESET: self._exchange.reset,
        }[self._script.ending]
        finish()

    def _gone(self) -> None:
        if self._wakeup is not None:
            self._wakeup.cancel()
        if self._call.ending is None:
            self._close("client_closed")

    def _close(self, ending: Ended) -> None:
        self._ledger.close(self._call, ending)
