"""The last lines of a terminal, painted again and again; above them, lines that stay.

Invariant: a painting is one write, and never taller than the screen, so nothing of it is left behind in the scrolled
part. It is taken away by counting the rows that it has at the present width.
Does not know: what is painted.
"""

from collections.abc import Sequence
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.theme import Theme

_THEME = Theme({"markdown.code": "cyan", "markdown.h1": "bold underline", "markdown.h2": "bold", "markdown.hr": "dim"})


class Region:
    """Paint as often as needed; `leave` at the end."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._console = Console(file=out, force_terminal=True, theme=_THEME, highlight=False, legacy_windows=False)
        self._widths: list[int] = []

    def paint(self, lasting: Sequence[RenderableType], passing: Sequence[RenderableType]) -> None:
        """Print `lasting` for good, and `passing` below it until the next painting: its last lines if it is tall."""
        taken_away = self._taken_away()
        lines = self._last_lines(passing)
        with self._console.capture() as captured:
            for one in lasting:
                self._console.print(one)
            self._console.print(_Lines(lines), end="")
        self._widths = [Segment.get_line_length(line) for line in lines]
        self._out.write(taken_away + captured.get())
        self._out.flush()

    def leave(self) -> None:
        """Take the passing lines away."""
        self.paint([], [])

    def _last_lines(self, passing: Sequence[RenderableType]) -> list[list[Segment]]:
        options = self._console.options.update(height=None)
        lines = [line for one in passing for line in self._console.render_lines(one, options, pad=False)]
        return lines[-max(1, self._console.height - 1) :]

    def _taken_away(self) -> str:
        if not self._widths:
            return ""
        width = max(1, self._console.width)
        rows = sum(max(1, -(-line // width)) for line in self._widths)  # a narrower terminal has broken long lines
        up = min(rows, self._console.height) - 1
        return "\r" + (f"\x1b[{up}A" if up else "") + "\x1b[J"


class _Lines:
    """Rendered lines, without an end of line after the last."""

    def __init__(self, lines: list[list[Segment]]) -> None:
        self._lines = lines

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for number, line in enumerate(self._lines):
            if number:
                yield Segment.line()
            yield from line
