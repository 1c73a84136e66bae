"""Frames and chunks: the bytes that log, channel and response share.

Invariant: a chunk holds complete frames only, with rising numbers `first` to `last` of one attempt, and each
frame of a streamed answer begins with its own `id:` line; so any tail of a chunk can be cut out by looking for
that line, and the very same bytes are stored, published and sent.
Does not know: Redis, asyncio, what the events mean.
"""

from collections.abc import Sequence
from typing import NamedTuple

from streamlog.positions import Position

MAX_CHUNK_BYTES = 4 * 1024 * 1024


class Chunk(NamedTuple):
    """Frames `first`…`last` of one `attempt`, as they are sent to a client.

    `mark` is "" or the ending ("done", "failed", "cancelled") carried by the last frame. `stored_us` is the Redis time
    of the append in microseconds for an answer's first chunk and its last, 0 for those between. `head` is JSON bytes
    of the upstream's status and headers, on the first chunk of an attempt only, else empty.
    """

    attempt: int
    first: int
    last: int
    mark: str
    stored_us: int
    head: bytes
    data: bytes

    @property
    def position(self) -> Position:
        """The position of the last frame."""
        return Position(self.attempt, self.last)

    def holds(self, position: Position) -> bool:
        """Whether that very frame is in this chunk."""
        return position.attempt == self.attempt and self.first <= position.number <= self.last

    def after(self, job_id: str, number: int) -> "Chunk | None":
        """What follows frame `number` in this chunk; None if nothing does.

        Raises `ValueError` if the chunk should hold the next frame and does not: its bytes are not ours.
        """
        if number < self.first:
            return self
        if number >= self.last:
            return None
        line = id_line(job_id, Position(self.attempt, number + 1))
        at = self.data.index(b"\n" + line) + 1
        return self._replace(first=number + 1, data=self.data[at:])


def id_line(job_id: str, position: Position) -> bytes:
    """The line that comes first in a frame: it cannot occur inside one, since the data is JSON on one line."""
    return id_prefix(job_id, position.attempt) + b"%d\n" % position.number


def id_prefix(job_id: str, attempt: int) -> bytes:
    """What all `id:` lines of an attempt begin with: only the number behind it differs."""
    return f"id: {job_id}:{attempt}-".encode()


def framed(prefix: bytes, first: int, events: Sequence[bytes]) -> bytes:
    """Complete events as frames, numbered from `first` on, of the attempt with this `id_prefix`."""
    return b"".join([b"%s%d\n%s" % (prefix, number, event) for number, event in enumerate(events, first)])


def plain_chunk(attempt: int, first: int, last: int, data: bytes) -> bytes:
    """A chunk between an answer's first and its last, as it is stored and published."""
    return b"%d %d %d\n%s" % (attempt, first, last, data)


def read_chunk(text: bytes) -> Chunk:
    """Read what `store` of the scripts writes into a log and publishes: a `plain_chunk`, or
    `<attempt> <first> <last> <mark|-> <us> <head bytes>\\n<head><data>`. Raises `ValueError` on anything else.
    """
    line, end, rest = text.partition(b"\n")
    words = line.split(b" ")
    if len(words) == 3 and end:
        return Chunk(int(words[0]), int(words[1]), int(words[2]), "", 0, b"", rest)
    attempt, first, last, mark, stored_us, head_bytes = words
    cut = int(head_bytes)
    return Chunk(
        attempt=int(attempt),
        first=int(first),
        last=int(last),
        mark="" if mark == b"-" else mark.decode(),
        stored_us=int(stored_us),
        head=rest[:cut],
        data=rest[cut:],
    )
