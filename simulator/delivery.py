"""How an answer travels: whole, or broken in one of the ways in which real upstreams break.

Invariant: a delivery changes how bytes come, never what the model said before the break. Does not know scenarios,
pace or sockets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

from simulator.errors import ERROR_TYPES, MESSAGES, ApiError, error_body
from simulator.ledger import Ended
from simulator.message import PING, Frame


class Ending(Enum):
    """What happens behind the last frame."""

    FINISH = "the response ends as HTTP wants it"
    CLOSE = "the connection is closed without the end of the response"
    RESET = "the connection is reset"
    STALL = "nothing comes any more, until the client leaves"


@dataclass(frozen=True, slots=True)
class Script:
    """What is sent, in order. Without a `head` not even the status is."""

    frames: Sequence[Frame]
    ending: Ending = Ending.FINISH
    ended: Ended = "complete"
    """What the ledger says when the ending is reached."""
    head: bool = True
    one_by_one: bool = False
    """Each frame is a write of its own, a turn of the loop apart."""
    length: int | None = None
    """The bytes that the head of a body promises, where these are not those that come."""

    @property
    def promised_length(self) -> int:
        """What the head of a body says."""
        return sum(len(frame.data) for frame in self.frames) if self.length is None else self.length


@dataclass(frozen=True, slots=True)
class Delivery:
    """The whole answer, as it should be. Subclasses break it."""

    def stream(self, frames: list[Frame], request_id: str) -> Script:
        """What is sent to a call that streams."""
        return Script(frames)

    def whole(self, body: bytes) -> Script:
        """What is sent to a call that does not; its one frame is paced. Raises ApiError for a refusal."""
        return Script([_body_frame(body)])


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a stream: before the headers, before the content, or after so many events.

    `after` counts every event from message_start on; a number beyond the last event is behind it.
    """

    before: str | None
    """`headers`, `content` or None."""
    after: int

    def until(self, frames: list[Frame]) -> list[Frame]:
        """The frames that come before this place."""
        if self.before == "headers":
            return []
        if self.before == "content":
            return frames[: next(at for at, frame in enumerate(frames) if frame.content)]
        return frames[: self.after]


@dataclass(frozen=True, slots=True)
class Broken(Delivery):
    """Nothing comes behind a place; a call that does not stream gets half of its body."""

    place: Place
    ending: Ending

    def stream(self, frames: list[Frame], request_id: str) -> Script:
        return self._script(self.place.until(frames))

    def whole(self, body: bytes) -> Script:
        half = [_body_frame(body[: len(body) // 2])]
        return replace(self._script(half if self.place.before is None else []), length=len(body))

    def _script(self, frames: list[Frame]) -> Script:
        return Script(frames, self.ending, "cut", head=self.place.before != "headers")


@dataclass(frozen=True, slots=True)
class ErrorEvent(Delivery):
    """`event: error` behind so many events, then the end; a call that does not stream gets the status."""

    after: int
    status: int

    def stream(self, frames: list[Frame], request_id: str) -> Script:
        body = error_body(ERROR_TYPES[self.status], MESSAGES[self.status], request_id)
        failed = Frame(b"event: error\ndata: %b\n\n" % body, paced=True, content=True)
        return Script([*frames[: self.after], failed], ended="error")

    def whole(self, body: bytes) -> Script:
        raise ApiError(self.status)


GARBAGE = b"\x00\xff\xfe<html><body>502 Bad Gateway</body></html>\xf0\n\n"


@dataclass(frozen=True, slots=True)
class Garbage(Delivery):
    """Bytes that are neither an event nor UTF-8, behind so many events; then the answer goes on."""

    after: int

    def stream(self, frames: list[Frame], request_id: str) -> Script:
        garbage = Frame(GARBAGE, content=True, events=0)
        return Script([*frames[: self.after], garbage, *frames[self.after :]])

    def whole(self, body: bytes) -> Script:
        return Script([_body_frame(GARBAGE)])


@dataclass(frozen=True, slots=True)
class NoMessageStop(Delivery):
    """A stream that ends as HTTP wants it, but without its message_stop."""

    def stream(self, frames: list[Frame], request_id: str) -> Script:
        return Script(frames[:-1], ended="cut")


@dataclass(frozen=True, slots=True)
class Pings(Delivery):
    """A ping before every so many deltas."""

    every: int

    def stream(self, frames: list[Frame], request_id: str) -> Script:
        sent: list[Frame] = []
        deltas = 0
        for frame in frames:
            if frame.paced and deltas % self.every == 0:
                sent.append(PING)
            deltas += frame.paced
            sent.append(frame)
        return Script(sent)


@dataclass(frozen=True, slots=True)
class Crlf(Delivery):
    """Lines that end with CR LF; JSON holds neither, so only the framing changes."""

    def stream(self, frames: list[Frame], request_id: str) -> Script:
        return Script([frame._replace(data=frame.data.replace(b"\n", b"\r\n")) for frame in frames])


@dataclass(frozen=True, slots=True)
class ByteByByte(Delivery):
    """Each byte a write of its own."""

    def stream(self, frames: list[Frame], request_id: str) -> Script:
        return Script([part for frame in frames for part in _bytes_of(frame)], one_by_one=True)

    def whole(self, body: bytes) -> Script:
        return Script(_bytes_of(_body_frame(body)), one_by_one=True)


def _body_frame(body: bytes) -> Frame:
    return Frame(body, paced=True, content=True, events=0)


def _bytes_of(frame: Frame) -> list[Frame]:
    """The first byte keeps the pace, the last one completes the event; no byte can carry a time stamp."""
    last = len(frame.data) - 1
    return [
        Frame(
            frame.data[at : at + 1],
            paced=frame.paced and at == 0,
            content=frame.content,
            events=frame.events if at == last else 0,
        )
        for at in range(len(frame.data))
    ]
