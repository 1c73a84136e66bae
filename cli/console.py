"""The terminal of `sluice up`, written by a thread of its own.

Invariant: saying something never waits. A terminal that takes nothing (Ctrl-S, a full pipe) holds back neither the
supervision nor the processes whose lines are relayed: at most `_MOST` lines wait, more are dropped and counted.
Does not know: what is said.
"""

import queue
import threading
from collections.abc import Callable
from typing import TextIO

import rich.console
from rich.style import Style

_MOST = 2000
_COLOURS = ("cyan", "green", "magenta", "yellow", "blue")


class Console:
    """Whole lines, each with the name of who says it."""

    def __init__(self, out: TextIO, *, colour: bool, gone: Callable[[], None]) -> None:
        """`gone` is called once, in the writing thread, when `out` cannot be written any more."""
        self.colour = colour
        self._out = out
        self._gone = gone
        self._waiting: queue.Queue[str | None] = queue.Queue(_MOST)
        self._dropped = 0
        self._styles: dict[str, Style] = {}
        self._thread = threading.Thread(target=self._write_all, name="console", daemon=True)
        self._thread.start()

    def say(self, text: str) -> None:
        """Something of `sluice up` itself: one line or several."""
        for line in text.split("\n"):
            self._put(line)

    def relay(self, name: str, line: str) -> None:
        """One line of a process."""
        self._put(f"{self._named(name)} │ {line}")

    def close(self, limit_s: float = 1.0) -> None:
        """Write what waits, for at most `limit_s`."""
        try:
            self._waiting.put(None, timeout=limit_s)
        except queue.Full:
            return  # nobody reads: the thread is a daemon and ends with the process
        self._thread.join(limit_s)

    def _named(self, name: str) -> str:
        style = self._styles.setdefault(name, Style.parse(_COLOURS[len(self._styles) % len(_COLOURS)]))
        return style.render(f"{name:<9}") if self.colour else f"{name:<9}"

    def _put(self, line: str) -> None:
        try:
            if self._dropped:
                self._waiting.put_nowait(f"… {self._dropped} lines left out: the terminal did not take them")
                self._dropped = 0
            self._waiting.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def _write_all(self) -> None:
        try:
            while (line := self._waiting.get()) is not None:
                self._out.write(line + "\n")
                if self._waiting.empty():
                    self._out.flush()
            self._out.flush()
        except OSError:  # a closed pipe, a terminal that hung up
            self._gone()


def wants_colour(out: TextIO) -> bool:
    """Whether `out` is a terminal that shows colours, and nobody said NO_COLOR (https://no-color.org)."""
    shown = rich.console.Console(file=out)
    return shown.color_system is not None and not shown.no_color
