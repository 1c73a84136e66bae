"""What one upstream stream has said so far, and which of its events may be written now.

Invariant: nothing is released before content, pings neither; then everything held goes first, in order. The stream is
complete only with `message_stop`. Only `message_start`, `message_delta` and errors are decoded; a delta is bytes with
a name.
Does not know: where the bytes come from, where the events go.
"""

from typing import Any

import msgspec

from worker.events import DELTA, Splitter, data_of, name_of

_BEFORE_CONTENT = frozenset({b"message_start", b"content_block_start", b"ping"})


class Reading:
    """One stream. `begun` once content came, `complete` with `message_stop`, `error` with an error event's data,
    `garbled` with what is no event."""

    def __init__(self) -> None:
        self.begun = False
        self.complete = False
        self.error: bytes | None = None
        self.garbled = False
        self.usage: dict[str, Any] = {}
        self.usage_final = False
        self._held: list[bytes] = []
        self._splitter = Splitter()

    def deltas(self, read: bytes) -> list[bytes] | None:
        """The events of a read that brings only deltas, behind content: they may be written now. None if there is more
        to a read than that: it is to be fed."""
        return self._splitter.deltas(read) if self.begun else None

    def feed(self, read: bytes) -> list[bytes]:
        """The events to write now; empty while they are held. Nothing after the end of the message, an error or what
        is no event is taken.

        Raises `streamlog.errors.UpstreamError` for an event that is too large.
        """
        ready: list[bytes] = []
        for event in self._splitter.feed(read):
            while event.startswith(b"id:"):  # the upstream's own position; a client must come back with ours
                event = event.partition(b"\n")[2]
            if event.startswith(DELTA) or (name := name_of(event)) == b"content_block_delta":
                self.begun = True
            elif not self._notes(name, event):
                if self.garbled:
                    break
                continue
            if self.error is not None:
                break
            ready.append(event)
            if self.complete:
                break
        if not self.begun:
            self._held += ready
            return []
        if self._held:
            ready, self._held = self._held + ready, []
        return ready

    def _notes(self, name: bytes, event: bytes) -> bool:
        """Take notice of an event that is not a delta; False if it is not to be written."""
        if name not in _BEFORE_CONTENT and name != b"error":
            self.begun = self.begun or bool(name)
        match name:
            case b"message_start":
                self._count(event, ("message", "usage"))
            case b"message_delta":
                self._count(event, ("usage",))
                self.usage_final = True
            case b"message_stop":
                self.complete = True
            case b"error":
                self.error = data_of(event)
            case b"":
                self.garbled = not event.startswith(b":")
                return False
        return True

    def _count(self, event: bytes, path: tuple[str, ...]) -> None:
        """Usage is cumulative: later figures replace earlier ones."""
        try:
            found = msgspec.json.decode(data_of(event))
            for name in path:
                found = found[name]
            self.usage |= {name: value for name, value in found.items() if value is not None}
        except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
            return  # figures are not worth an answer
