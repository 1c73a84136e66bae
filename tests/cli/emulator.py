"""What a person sees: the text on a terminal after the bytes that were written to it, scrolled lines included.

Invariant: an escape sequence that is not known is an error, so no test passes on a screen that nobody has seen.
"""

import re
from codecs import getincrementaldecoder

from rich.cells import cell_len

_SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b\](?:[^\x07\x1b]*)(?:\x07|\x1b\\)")
_COLOURS = {*range(30, 39), *range(40, 49), *range(90, 98), *range(100, 108)}
_HALF = re.compile(r"\x1b(?:\[[?0-9;]*|\][^\x07]*)?$")


class Emulator:
    """So much of a VT100 as programs need that write lines and paint the last ones again."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.scrolled: list[str] = []
        self.colours: set[int] = set()  # that text was given, in the foreground or behind it
        self._lines: list[list[str]] = [[]]
        self._row = self._column = 0
        self._decoder = getincrementaldecoder("utf-8")()
        self._waiting = ""

    def feed(self, data: bytes) -> None:
        text = self._waiting + self._decoder.decode(data)
        half = _HALF.search(text)
        self._waiting = text[half.start() :] if half else ""
        text = text[: half.start()] if half else text
        while text:
            found = _SEQUENCE.match(text)
            if found:
                self._obey(found[1] or "", found[2] or "]")
            else:
                assert text[0] != "\x1b", f"an unknown sequence: {text[:20]!r}"
                self._put(text[0])
            text = text[found.end() if found else 1 :]

    @property
    def screen(self) -> list[str]:
        """The visible lines, without trailing blanks."""
        return ["".join(line).rstrip() for line in self._lines]

    @property
    def text(self) -> str:
        """Everything, from the first line on."""
        return "\n".join([*self.scrolled, *self.screen]).rstrip()

    def _put(self, letter: str) -> None:
        match letter:
            case "\r":
                self._column = 0
            case "\n":
                self._down()
            case "\x08":
                self._column = max(0, self._column - 1)
            case "\t":
                self._column = min(self.columns - 1, (self._column // 8 + 1) * 8)
            case "\x07":
                pass
            case _:
                assert letter >= " ", f"an unknown control character: {letter!r}"
                self._write(letter)

    def _write(self, letter: str) -> None:
        if self._column + cell_len(letter) > self.columns:
            self._column = 0
            self._down()
        line = self._lines[self._row]
        line += [" "] * (self._column + cell_len(letter) - len(line))
        line[self._column : self._column + cell_len(letter)] = [letter] + [""] * (cell_len(letter) - 1)
        self._column += cell_len(letter)

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._lines):
            self._lines.append([])
        if len(self._lines) > self.rows:
            self.scrolled.append("".join(self._lines.pop(0)).rstrip())
            self._row -= 1

    def _obey(self, parameters: str, command: str) -> None:
        number = int(parameters) if parameters.isdigit() else 0
        match command:
            case "A":
                self._row = max(0, self._row - max(1, number))
            case "C":
                self._column = min(self.columns - 1, self._column + max(1, number))
            case "D":
                self._column = max(0, self._column - max(1, number))
            case "J" if number == 0:
                del self._lines[self._row][self._column :]
                del self._lines[self._row + 1 :]
            case "K" if number == 0:
                del self._lines[self._row][self._column :]
            case "m":
                self.colours |= {code for part in parameters.split(";") if (code := int(part or 0)) in _COLOURS}
            case "h" | "l" | "]":
                pass
            case _:
                raise AssertionError(f"an unknown sequence: {parameters}{command}")
