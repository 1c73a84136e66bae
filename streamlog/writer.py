"""One attempt's pen: numbers the frames, and appends each chunk after the one before.

Invariant: before content nothing is written; what came before it is held and goes out with it, so a retry before
content is unseen. Each append names its predecessor and is first checked against the fence, so a writer whose lease
may have run out adds nothing.
Does not know: Claude's events, HTTP, the lease itself (it asks `fence`).
"""

from collections.abc import Callable, Sequence

from streamlog.errors import InternalError
from streamlog.frames import MAX_CHUNK_BYTES, id_line
from streamlog.line import Line
from streamlog.positions import Position


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
        self.number = 0  # of the last frame written
        self.handed_over = False  # whether anything was sent to the log, answered or not
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
        frames = []
        for number, event in enumerate(events, self.number + 1):
            frames.append(id_line(self.job_id, Position(self.attempt, number)) + event)
        return await self._append(b"".join(frames), len(events), mark, code, fields)

    async def write_whole(self, body: bytes, fields: Sequence[str | bytes] = ()) -> tuple[str, float] | None:
        """Append the answer of a call that does not stream: one frame, the body unchanged, marked done."""
        return await self._append(body, 1, "done", "", fields)

    def note(self, fields: Sequence[str | bytes]) -> None:
        """Write facts to the record while the attempt is still ours. Nobody waits: no answer depends on them."""
        answer = self._line.script("note", self.job_id, self.attempt, *fields)
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _append(
        self, data: bytes, count: int, mark: str, code: str, fields: Sequence[str | bytes]
    ) -> tuple[str, float] | None:
        if len(data) > MAX_CHUNK_BYTES:
            raise InternalError("answer_too_large", f"A chunk of {len(data)} bytes is more than {MAX_CHUNK_BYTES}.")
        if not self._fence():
            raise Refused("fenced")
        self.handed_over = True
        head = b"" if self.begun else self.head
        last = self.number + count
        place = (self.job_id, self.attempt, self.number, self.number + 1, last, head, data)
        if mark:
            answer = await self._line.script("conclude", *place, mark, code, *fields)
        else:
            answer = await self._line.script("append", *place, *fields)
        word: bytes = answer[0]
        if word not in (b"written", b"repeated"):
            raise Refused(word.decode())
        self.number = last
        return (answer[1].decode(), int(answer[2]) / 1e6) if len(answer) > 1 else None
