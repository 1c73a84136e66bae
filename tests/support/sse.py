"""Server-sent events as a client sees them, read without any code of the project.

Invariant: `raw` of all events, joined, is what was received.
Does not know: HTTP.
"""

import json
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `id` is "" for the gateway's own pings and errors, which move no position."""

    raw: bytes
    id: str
    name: str
    data: bytes

    @classmethod
    def read(cls, raw: bytes) -> "Event":
        fields = dict(line.split(b": ", 1) for line in raw.rstrip(b"\n").split(b"\n"))
        return cls(raw, fields.get(b"id", b"").decode(), fields.get(b"event", b"").decode(), fields.get(b"data", b""))

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def number(self) -> int:
        """The number of the frame in its attempt."""
        return int(self.id.rpartition("-")[2])

    @property
    def error_code(self) -> str:
        """What an `event: error` names as its reason; the error's type for one in the upstream's own words."""
        error = self.json["error"]
        code: str = error.get("details", {}).get("error_code", error["type"])
        return code


class CutInside(AssertionError):
    """A response has ended in the middle of an event."""


async def events_of(reads: AsyncIterable[bytes]) -> AsyncIterator[Event]:
    """The events of a response body, each as soon as it is complete. Raises `CutInside`."""
    rest = b""
    async for read in reads:
        *whole, rest = (rest + read).split(b"\n\n")
        for raw in whole:
            yield Event.read(raw + b"\n\n")
    if rest:
        raise CutInside(rest)


def frames(events: list[Event]) -> list[Event]:
    """Those that are of the job's log: they have an id."""
    return [event for event in events if event.id]


def joined(events: list[Event]) -> bytes:
    """The bytes of the job's own frames."""
    return b"".join(event.raw for event in frames(events))
