"""The upstream's bytes as complete server-sent events, without building anything from them.

Invariant: however the bytes are split into reads, the events are the same, and joined they are the upstream's
bytes (but for empty lines between events). Lines end in LF, CRLF or CR, as the SSE specification says, never in
U+2028 or U+0085, which JSON text may contain.
Does not know: what the events mean, beyond their name.
"""

import re

import msgspec

from streamlog.errors import UpstreamError

MAX_EVENT_BYTES = 2 * 1024 * 1024
DELTA = b"event: content_block_delta\n"  # how Claude begins most events
_NEXT_DELTA = b"\n\n" + DELTA
_END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))")
_LINE = re.compile(rb"\r\n|\n|\r")


class _Typed(msgspec.Struct):
    type: str = ""


_typed = msgspec.json.Decoder(_Typed)


class Splitter:
    """Feed reads, get complete events, each with the blank line that ends it."""

    def __init__(self) -> None:
        self.rest = b""  # the beginning of an event that is not complete yet
        self._seen_cr = False

    def feed(self, read: bytes) -> list[bytes]:
        """The events that this read completes. Raises `UpstreamError` for an event beyond `MAX_EVENT_BYTES`."""
        self._seen_cr = self._seen_cr or b"\r" in read
        buffer = self.rest + read if self.rest else read
        events = self._split_any(buffer) if self._seen_cr else self._split_lf(buffer)
        if len(self.rest) > MAX_EVENT_BYTES:
            raise UpstreamError("upstream_garbled", f"The upstream sent an event of more than {MAX_EVENT_BYTES} bytes.")
        return events

    def deltas(self, read: bytes) -> list[bytes] | None:
        """What `feed` answers, if it all begins with the name of a delta; else None, and nothing has been taken.

        What a whole read needs for that costs less than what each event would.
        """
        buffer = self.rest + read if self.rest else read
        if self._seen_cr or b"\r" in read or b"\n\n\n" in buffer:
            return None
        whole = buffer.split(b"\n\n")
        rest = whole.pop()
        deltas = buffer.count(_NEXT_DELTA, 0, len(buffer) - len(rest)) + buffer.startswith(DELTA)
        if deltas != len(whole) or len(rest) > MAX_EVENT_BYTES:
            return None
        self.rest = rest
        return [event + b"\n\n" for event in whole]

    def _split_lf(self, buffer: bytes) -> list[bytes]:
        whole = buffer.split(b"\n\n")
        self.rest = whole.pop().lstrip(b"\n")
        return [event.lstrip(b"\n") + b"\n\n" for event in whole if event.strip(b"\n")]

    def _split_any(self, buffer: bytes) -> list[bytes]:
        events, start = [], 0
        for end in _END.finditer(buffer):
            if end.end() == len(buffer) and buffer.endswith(b"\r"):
                break  # an LF may follow and belong to it
            event = buffer[start : end.end()].lstrip(b"\r\n")
            start = end.end()
            if event:
                events.append(event)
        self.rest = buffer[start:].lstrip(b"\n") if start else buffer
        return events


def name_of(event: bytes) -> bytes:
    """The event's name; for an unnamed one the `type` of its data; b"" for a comment or for garbage."""
    if event.startswith(b"event: "):
        name = event[7:].split(b"\n", 1)[0].rstrip(b"\r")
        if b"\r" not in name:  # else a lone CR ended the line
            return name
    for line in _LINE.split(event):
        if line.startswith(b"event:"):
            return line[6:].strip()
    try:
        return _typed.decode(data_of(event)).type.encode()
    except msgspec.DecodeError:
        return b""


def data_of(event: bytes) -> bytes:
    """The event's data: its `data:` lines, joined by LF."""
    lines = (line[5:].removeprefix(b" ") for line in _LINE.split(event) if line.startswith(b"data:"))
    return b"\n".join(lines)
