"""One streamed answer on its way from the upstream to the log: the loop that matters in this room.

Invariant: events are written in the order in which they came, each once. What only passes through, deltas behind the
first content, goes on as it comes, without a switch of tasks; for everything else who waits in `next` is woken.
Does not know: the upstream, retries, how a job ends.
"""

from time import monotonic

from streamlog.errors import SluiceError
from streamlog.writer import Writer
from telemetry import announce, facts
from worker.reading import Reading
from worker.retries import UpstreamFailed
from worker.upstream import Answer

_POURED_BYTES = 64 * 1024  # with what of an event came before, this is less than a chunk may hold
_GAPS = 32
_GAPS_TOLD_S = 1.0


class Streaming:
    """Takes `reading` from one answer to `writer`. `called` is the monotonic time at which the call was made."""

    def __init__(self, reading: Reading, writer: Writer, model: str, called: float, most_bytes: int) -> None:
        self._reading = reading
        self._writer = writer
        self._model = model
        self._left_bytes = most_bytes
        self._last = self._told = called
        self._gaps: list[float] = []

    async def next(self, answer: Answer) -> list[bytes] | None:
        """The events of the next read that does not only pass through; what does has been written meanwhile.

        None at the end of the body. Raises `UpstreamFailed`.
        """
        read = await answer.read(self._pour)
        if not read:
            return None
        self._left_bytes -= len(read)
        if self._left_bytes < 0:
            raise UpstreamFailed("answer_too_large")
        try:
            events = self._reading.feed(read)
        except SluiceError as error:
            raise UpstreamFailed(error.code, error.message) from error
        if events:
            self._time()
        return events

    def _pour(self, read: bytes) -> int | None:
        size = len(read)
        if not self._writer.ready or size > min(_POURED_BYTES, self._left_bytes):
            return None
        events = self._reading.deltas(read)
        if events is None:
            return None
        self._left_bytes -= size
        if events:
            self._time()
            self._writer.post(events)
        return len(events)

    def _time(self) -> None:
        """Content has come."""
        now = monotonic()
        if self._writer.begun:
            self._gaps.append(now - self._last)
            if len(self._gaps) >= _GAPS or now - self._told >= _GAPS_TOLD_S:
                self.tell()
        else:
            announce(facts.UpstreamFirstContent(self._model, now - self._last))
            self._told = now
        self._last = now

    def tell(self) -> None:
        """Announce the gaps of which nobody has been told yet: one by one they would cost more than the reads."""
        if self._gaps:
            announce(facts.ContentGaps(self._model, self._gaps))
            self._gaps, self._told = [], self._last
