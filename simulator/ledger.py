"""What the simulator was asked and how each call ended: evidence for tests.

Invariant: at most MAX_CALLS calls are kept, the newest; every call that was opened is closed once. Times are
`time.monotonic()` in seconds, comparable with other processes of the same machine. No key is kept whole.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict, deque
from typing import Literal

import msgspec

from simulator.http import HttpRequest

MAX_CALLS = 10_000
MAX_CONVERSATIONS = 10_000
_SECRETS = ("x-api-key", "authorization")
_SECRET_SHOWN = 8

Ended = Literal["complete", "client_closed", "cut", "error"]


class Call(msgspec.Struct):
    """One call of the API. `path` has its query, as it arrived. `events` counts those handed to the socket; of an
    answer that does not stream it is 0. `label` is the caller's own word for it."""

    index: int
    method: str
    path: str
    headers: dict[str, str]
    body_sha256: str
    body_size: int
    started: float
    model: str | None = None
    scenario: str | None = None
    stream: bool = False
    label: str | None = None
    request_id: str | None = None
    status: int | None = None
    first_content: float | None = None
    ended: float | None = None
    ending: Ended | None = None
    events: int = 0


class Ledger:
    """A bounded ring of calls, the number of open ones, and how often each conversation called."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=MAX_CALLS)
        self._seen: OrderedDict[str, int] = OrderedDict()
        self._next_index = 0
        self.open_count = 0

    def open(self, request: HttpRequest) -> Call:
        """Note a call that has arrived; the caller closes it once."""
        call = Call(
            index=self._next_index,
            method=request.method,
            path=request.target,
            headers={name: _shortened(name, value) for name, value in request.headers.items()},
            body_sha256=hashlib.sha256(request.body).hexdigest(),
            body_size=request.body_size,
            started=request.arrived_s,
        )
        self._next_index += 1
        self.open_count += 1
        self._calls.append(call)
        return call

    def close(self, call: Call, ending: Ended) -> None:
        """Note how the call ended. A call is closed once."""
        assert call.ending is None
        call.ended = time.monotonic()
        call.ending = ending
        self.open_count -= 1

    def newest(self, limit: int, label: str | None = None) -> list[Call]:
        """The newest `limit` calls in the order of their arrival, with this label only if one is given."""
        wanted = [call for call in self._calls if label is None or call.label == label]
        return wanted[-limit:]

    def earlier_calls(self, conversation: str) -> int:
        """How many calls of this conversation came before, this one counted from now on.

        The conversation called least recently is forgotten above MAX_CONVERSATIONS.
        """
        earlier = self._seen.pop(conversation, 0)
        self._seen[conversation] = earlier + 1
        if len(self._seen) > MAX_CONVERSATIONS:
            self._seen.popitem(last=False)
        return earlier

    def reset(self) -> int:
        """Forget every call and conversation, answer how many calls; open calls stay counted as open."""
        forgotten = len(self._calls)
        self._calls.clear()
        self._seen.clear()
        return forgotten


def _shortened(name: str, value: str) -> str:
    if name in _SECRETS and len(value) > _SECRET_SHOWN:
        return value[:_SECRET_SHOWN] + "…"
    return value
