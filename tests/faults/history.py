"""What a run has seen: what clients received, what the simulator was asked, what the logs hold, what was broken.

Invariant: plain records; times are `time.monotonic()` of this machine, in seconds, so they compare with the
simulator's. Nothing is judged here.
Does not know: any code of the product.
"""

import json
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ENDED_BY_NAME = "error"
ENDED_WHOLE = "message_stop"


class Event(NamedTuple):
    """One server-sent event as a client received it. `id` is "" for what moves no position."""

    at: float
    id: str
    name: str
    raw: bytes

    @property
    def is_ending(self) -> bool:
        return self.name in (ENDED_BY_NAME, ENDED_WHOLE)


class Entry(NamedTuple):
    """One chunk of a job's log: its id, the number of its first frame, its mark, the bytes that a client is sent."""

    id: str
    first: int
    mark: bytes
    data: bytes

    @classmethod
    def read(cls, entry_id: bytes, chunk: bytes) -> "Entry":
        """As Redis holds it: `<attempt> <first> <last>`, of an answer's first and last chunk also `<ending or -> <µs>
        <length of head>`; a new line, head, data."""
        line, _, rest = chunk.partition(b"\n")
        _, first, _, *more = line.split(b" ")
        mark, head_bytes = (more[0], int(more[2])) if more else (b"-", 0)
        return cls(entry_id.decode(), int(first), mark, rest[head_bytes:])


class Injected(NamedTuple):
    """A fault that has really been injected."""

    at: float
    what: str
    target: str


@dataclass(slots=True)
class Response:
    """One response, as far as it came. `how` it ended: open, whole, cut, unreachable, late or left (by the client)."""

    request: str
    gateway: str
    sent: float
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    body: bytes = b""
    ended: float = 0.0
    how: str = "open"


@dataclass(slots=True)
class Stream:
    """One answer that a client wanted, over as many responses as it took."""

    label: str
    scenario: str
    asked: float
    job_id: str = ""
    responses: list[Response] = field(default_factory=list)
    left: bool = False  # its client went away on purpose

    @property
    def frames(self) -> list[Event]:
        """What moved the client's position, in the order of its arrival."""
        return [event for response in self.responses for event in response.events if event.id]

    @property
    def last_id(self) -> str:
        for response in reversed(self.responses):
            for event in reversed(response.events):
                if event.id:
                    return event.id
        return ""

    @property
    def ended(self) -> float:
        """When its last response did."""
        return self.responses[-1].ended if self.responses else 0.0

    def heard_after(self, at: float) -> float:
        """When its client next heard something that is no ping: an event, or the end."""
        heard = [event.at for response in self.responses for event in response.events if event.name != "ping"]
        return min((time for time in [*heard, self.ended] if time > at), default=float("inf"))

    @property
    def outcome(self) -> str:
        """`done`, or the code of the error that was told, or "" for a silent end."""
        last = self.responses[-1] if self.responses else None
        if last is None or last.how in ("unreachable", "open"):
            return ""
        if last.status != 200:
            return _code(last.body)
        told = [event for event in last.events if event.name != "ping"]
        if told and told[-1].name == ENDED_WHOLE:
            return "done"
        return error_code(told[-1]) if told and told[-1].name == ENDED_BY_NAME else ""


@dataclass(slots=True)
class History:
    """Everything that one run has seen. `plain` holds, by scenario, the deltas of the simulator's own answer."""

    seed: int
    streams: list[Stream] = field(default_factory=list)
    injected: list[Injected] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    logs: dict[str, list[Entry]] = field(default_factory=dict)
    plain: dict[str, list[bytes]] = field(default_factory=dict)
    _by_label: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def events(self) -> int:
        return sum(len(response.events) for stream in self.streams for response in stream.responses)

    def calls_of(self, label: str) -> list[dict[str, Any]]:
        """The upstream calls of one stream, in the order of their arrival."""
        if sum(map(len, self._by_label.values())) != len(self.calls):
            self._by_label.clear()
            for call in self.calls:
                self._by_label.setdefault(call["label"], []).append(call)
        return self._by_label.get(label, [])


def error_code(event: Event) -> str:
    """What an `event: error` names as its reason."""
    return _code(event.raw.partition(b"data: ")[2])


def _code(body: bytes) -> str:
    try:
        error = json.loads(body)["error"]
        code: str = (error.get("details") or {}).get("error_code", error["type"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return code
