"""One attempt's pen: numbers the frames, and appends each chunk after the one before.

Invariant: before content nothing is written; what came before it is held and goes out with it, so a retry before
content is unseen. Each append names its predecessor and is first checked against the fence, so a writer whose lease
may have run out adds nothing.
Does not know: Claude's events, HTTP, the lease itself (it asks `fence`).
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from streamlog.call import Call
from streamlog.errors import InternalError
from streamlog.frames import MAX_CHUNK_BYTES, framed, id_prefix, plain_chunk
from streamlog.line import Line
from streamlog.scripts import Argument

MOST_SENT = 16
_WELL = (b"written", b"repeated")


class Refused(Exception):
    """The log did not take the chunk: `why` is gone, ended, stale, lost or fenced. Close the upstream call."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(f"append refused: {why}")


class Writer:
    """Writes the frames of one attempt. `fence` answers whether the lease is surely still ours."""

    def __init__(self, line: Line, job_id: str, attempt: int, fence: Callable[[], bool]) -> None:
        self._line = line
        self._fence = fence
        self.job_id = job_id
        self.attempt = attempt
        self._prefix = id_prefix(job_id, attempt)
        self.number = 0  # of the last frame written
        self.handed_over = False  # whether anything was sent to the log, answered or not
        self.concluded = False  # whether an ending of ours is in the log
        self._sent: list[Call] = []  # chunks whose answer nobody has looked at
        self.head = b""  # JSON of the upstream's status and headers; goes with the first chunk

    @property
    def begun(self) -> bool:
        """Whether content has been written: from then on there is no other answer."""
        return self.number > 0

    async def write(
        self, events: Sequence[bytes], *, mark: str = "", code: str = "", fields: Sequence[str | bytes] = ()
    ) -> tuple[str, float] | None:
        """Append complete server-sent events, each as one frame; `mark` ends the job with the last of them.

        `fields` are record fields as name, value, … With an ending, answers (model, duration in seconds).
        Raises `Refused`, or redis-py's errors.
        """
        told = self._append(self._framed(events), len(events), mark, code, fields)
        return await self._answered(told, len(events))

    async def send(self, events: Sequence[bytes]) -> None:
        """Append as `write` does, once content has begun, and wait for no answer: `Refused` or an error of Redis' comes
        from a later call. At most `MOST_SENT` chunks are on their way; then this waits for the oldest."""
        data = self._framed(events)
        self._check(data)
        self._post(data, len(events))
        while self._sent and (self._sent[0].done or len(self._sent) > MOST_SENT):
            _taken(await self._sent.pop(0).answer())

    @property
    def ready(self) -> bool:
        """Whether `post` may be called now: no answer tells of anything else, and none need be waited for."""
        while self._sent and self._sent[0].done:
            if self._sent[0].reply not in _WELL:
                return False
            self._sent.pop(0)
        return self.begun and len(self._sent) < MOST_SENT and self._fence()

    def post(self, events: Sequence[bytes]) -> None:
        """Append as `send` does, if `ready` has just said so; of less than `MAX_CHUNK_BYTES`."""
        self._post(self._framed(events), len(events))

    def _post(self, data: bytes, count: int) -> None:
        before, attempt = self.number, self.attempt
        self.number = last = before + count
        chunk = plain_chunk(attempt, before + 1, last, data)
        place = (self.job_id, b"%d-%d" % (attempt, before), b"%d-%d" % (attempt, last), chunk)
        self._sent.append(self._line.post("appends", place, len(chunk)))

    async def write_whole(self, body: bytes, fields: Sequence[str | bytes] = ()) -> tuple[str, float] | None:
        """Append the answer of a call that does not stream: one frame, the body unchanged, marked done."""
        return await self._answered(self._append(body, 1, "done", "", fields), 1)

    def note(self, fields: Sequence[str | bytes]) -> None:
        """Write facts to the record while the attempt is still ours. Nobody waits: no answer depends on them."""
        _forgiven(self._line.script("note", self.job_id, self.attempt, *fields))

    def _framed(self, events: Sequence[bytes]) -> bytes:
        return framed(self._prefix, self.number + 1, events)

    def _append(
        self, data: bytes, count: int, mark: str, code: str, fields: Sequence[str | bytes]
    ) -> "asyncio.Future[list[bytes]]":
        place = (*self._place(data, count), b"" if self.begun else self.head, data)
        if mark:
            return _forgiven(self._line.script("conclude", *place, mark, code, *fields))
        return _forgiven(self._line.script("append", *place, *fields))

    def _place(self, data: bytes, count: int) -> tuple[Argument, ...]:
        """Where a chunk goes that may be written now; from here on it may have been."""
        self._check(data)
        self.handed_over = True
        return (self.job_id, self.attempt, self.number, self.number + 1, self.number + count)

    def _check(self, data: bytes) -> None:
        """Raises `InternalError` for a chunk that is too large, and `Refused` where the lease may have run out."""
        if len(data) > MAX_CHUNK_BYTES:
            raise InternalError("answer_too_large", f"A chunk of {len(data)} bytes is more than {MAX_CHUNK_BYTES}.")
        if not self._fence():
            raise Refused("fenced")

    async def _answered(self, told: "asyncio.Future[list[bytes]]", count: int) -> tuple[str, float] | None:
        """Wait for the answer, before which all that were sent earlier have theirs."""
        while self._sent:
            _taken(await self._sent.pop(0).answer())
        answer = await told
        _taken(answer[0])
        self.number += count
        self.concluded = len(answer) > 1
        return (answer[1].decode(), int(answer[2]) / 1e6) if self.concluded else None


def _taken(word: bytes) -> None:
    if word not in _WELL:
        raise Refused(word.decode())


def _forgiven(answer: "asyncio.Future[Any]") -> "asyncio.Future[Any]":
    """Whoever never comes back for the answer, since an earlier one was bad, has missed nothing."""
    answer.add_done_callback(lambda done: done.cancelled() or done.exception())
    return answer
