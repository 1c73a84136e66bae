"""Where a frame stands in a job's log, and how that travels to a client and back.

Invariant: a position is `<attempt>-<number>`; an attempt is used once in the whole life of a Redis, so two
different answers never share a position. Continuity is asked only within one attempt.
Does not know: Redis, jobs' states, what a frame contains.
"""

import re
from typing import NamedTuple

JOB_ID = re.compile(r"job_[A-Za-z0-9_-]{22}")
_EVENT_ID = re.compile(rf"({JOB_ID.pattern}):(0|[1-9][0-9]{{0,15}})-(0|[1-9][0-9]{{0,9}})")
_POSITION = re.compile(r"(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,9})")


class MalformedPosition(ValueError):
    """The text is not `<attempt>-<number>`, or not `<job id>:<attempt>-<number>`."""


class Position(NamedTuple):
    """A frame's place: `attempt` (unique, rising; milliseconds of Redis time) and `number` (from 1 on).

    `number` 0 stands before the first frame of an attempt.
    """

    attempt: int
    number: int

    def __str__(self) -> str:
        return f"{self.attempt}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read `<attempt>-<number>`; raises `MalformedPosition`."""
        found = _POSITION.fullmatch(text)
        if found is None:
            raise MalformedPosition(f"{text[:80]!r} is not a position of the form <attempt>-<number>")
        return cls(int(found[1]), int(found[2]))


class EventId(NamedTuple):
    """What travels as the `id:` of a server-sent event and comes back as `Last-Event-ID`."""

    job_id: str
    position: Position

    def __str__(self) -> str:
        return f"{self.job_id}:{self.position}"

    @classmethod
    def parse(cls, text: str) -> "EventId":
        """Read `<job id>:<attempt>-<number>`; raises `MalformedPosition`."""
        found = _EVENT_ID.fullmatch(text)
        if found is None:
            raise MalformedPosition(f"{text[:80]!r} is not an event id of the form <job id>:<attempt>-<number>")
        return cls(found[1], Position(int(found[2]), int(found[3])))
