"""An answer's Markdown in a terminal, while it comes.

Invariant: finished blocks are printed once and stay; what is below them is painted again by a thread, some times a
second, so that a burst of text costs no more than a trickle. No control character of the answer, or of what is said
beside it, reaches the terminal.
Does not know: where the text comes from.
"""

import threading
import time
from typing import TextIO

from rich.console import RenderableType
from rich.text import Text

from cli.block import Block
from cli.markdown import blocks, presentable, split
from cli.region import Region
from cli.screen import harmless

_PAUSE_S = 0.08
_COST = 4  # paintings may take a quarter of the time


class Rendered:
    """A screen for a terminal. One answer at a time; it may be used again after `close`."""

    def __init__(self, out: TextIO, err: TextIO, pause_s: float = _PAUSE_S) -> None:
        self._out = out
        self._pause_s = pause_s
        self.paintings = 0  # so far
        self._region = Region(out)
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        self._rest = ""
        self._status = ""
        self._trouble = ""
        self._printed = False
        self._began = time.monotonic()
        self._stopped = threading.Event()
        self._painter: threading.Thread | None = None

    def text(self, text: str) -> None:
        with self._lock:
            self._trouble = ""
            self._rest += harmless(text)
        self._paint_from_now_on()

    def status(self, text: str) -> None:
        with self._lock:
            self._status = text
        self._paint_from_now_on()

    def note(self, text: str) -> None:
        with self._lock:
            self._trouble = text
        self._paint_from_now_on()

    def close(self) -> None:
        self._stopped.set()
        if self._painter:
            self._painter.join()
        with self._lock:
            self._region.paint(self._spaced(blocks(self._rest)), [])
        self._begin()

    def after(self, line: str) -> None:
        self._region.paint([Text(harmless(line), style="dim")], [])

    def _paint_from_now_on(self) -> None:
        if self._painter is None:
            self._painter = threading.Thread(target=self._paint_all, name="painter", daemon=True)
            self._painter.start()

    def _paint_all(self) -> None:
        pause_s = self._pause_s
        while not self._stopped.wait(pause_s):
            began = time.monotonic()
            try:
                self._paint()
            except OSError:  # the terminal is gone: `close` meets the same, where it can be told
                return
            pause_s = max(self._pause_s, _COST * (time.monotonic() - began))

    def _paint(self) -> None:
        with self._lock:
            finished, self._rest = split(self._rest)
            lasting = self._spaced(finished)
            self._printed = self._printed or bool(lasting)
            self._region.paint(lasting, [*self._spaced([presentable(self._rest)]), *self._said()])
            self.paintings += 1

    def _spaced(self, blocks: list[str]) -> list[RenderableType]:
        """With an empty line between two, and before the first if others stand above it."""
        shown: list[RenderableType] = [part for block in blocks if block.strip() for part in ("", Block(block))]
        return shown if self._printed else shown[1:]

    def _said(self) -> list[RenderableType]:
        said = harmless(self._trouble or self._status)
        return [Text(f"{said} … {time.monotonic() - self._began:.0f} s", style="dim", no_wrap=True)] if said else []
