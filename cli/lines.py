"""What a process writes, cut into lines that are fit to stand beside those of others.

Invariant: no line is longer than `LINE_BYTES`, and at most that much is held, whatever the process writes.
Does not know: who writes, who reads.
"""

LINE_BYTES = 8192


class Lines:
    """Feed it bytes, take whole lines; the rest of a line that is too long is left out, and the cut shown by `…`."""

    def __init__(self, most: int = LINE_BYTES) -> None:
        self._most = most
        self._line = bytearray()
        self._cut = False

    def feed(self, data: bytes) -> list[str]:
        """The lines that are whole now."""
        *whole, last = data.split(b"\n")
        lines = [self._take(part) for part in whole]
        self._add(last)
        return lines

    def rest(self) -> list[str]:
        """What came after the last line end: one line, or none."""
        return [self._take(b"")] if self._line else []

    def _add(self, part: bytes) -> None:
        room = self._most - len(self._line)
        self._cut = self._cut or len(part) > room
        self._line += part[:room]

    def _take(self, part: bytes) -> str:
        self._add(part)
        text = self._line.rstrip(b"\r").decode(errors="replace") + ("…" if self._cut else "")
        self._line.clear()
        self._cut = False
        return text
