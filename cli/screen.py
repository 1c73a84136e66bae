"""Where an answer is shown: plain here, rendered in `rendered`.

Invariant: text is written as it comes. Into anything but a terminal goes the text and nothing else; into a terminal
no control characters go, since neither a model's words nor a server's may steer it.
Does not know: where the text comes from.
"""

import os
from typing import Protocol, TextIO

_SHOWN = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


class Screen(Protocol):
    """Takes one answer, then lines about it."""

    def text(self, text: str) -> None:
        """Add to the answer."""

    def status(self, text: str) -> None:
        """What is waited for now; empty for nothing. Shown where it can be taken away again."""

    def note(self, text: str) -> None:
        """A trouble that passes."""

    def close(self) -> None:
        """The answer has ended, or nothing more of it comes; may be repeated."""

    def after(self, line: str) -> None:
        """A line about the answer, after `close`."""


def harmless(text: str) -> str:
    """Control characters are shown as such; line ends and tabs are text."""
    return text.translate(_SHOWN)


def fit_for(out: TextIO, text: str) -> str:
    """Harmless if `out` is a terminal, else as it is."""
    return harmless(text) if out.isatty() else text


class Plain:
    """The text as it is. Lines about it go to `err`, unless `out` is a terminal, where a person reads both."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._last = "\n"

    def text(self, text: str) -> None:
        self._out.write(fit_for(self._out, text))
        self._out.flush()
        self._last = text[-1:] or self._last

    def status(self, text: str) -> None:
        pass

    def note(self, text: str) -> None:
        if not self._out.isatty():  # there it would stand in the middle of the text
            self._err.write(fit_for(self._err, f"sluice: {text}\n"))
            self._err.flush()

    def close(self) -> None:
        if self._last != "\n":
            self.text("\n")

    def after(self, line: str) -> None:
        place = self._out if self._out.isatty() else self._err
        place.write(fit_for(place, line + "\n"))
        place.flush()


class Silent:
    """Shows nothing: the answer goes elsewhere as a whole. Troubles that pass are said."""

    def __init__(self, err: TextIO) -> None:
        self._err = err

    def text(self, text: str) -> None:
        pass

    def status(self, text: str) -> None:
        pass

    def note(self, text: str) -> None:
        self._err.write(fit_for(self._err, f"sluice: {text}\n"))

    def close(self) -> None:
        pass

    def after(self, line: str) -> None:
        pass


def renders(out: TextIO) -> bool:
    """Whether `out` is a terminal in which lines can be painted again."""
    return out.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def screen_for(out: TextIO, err: TextIO, *, raw: bool = False) -> Screen:
    """Markdown in a terminal that can show it, else plain text."""
    if raw or not renders(out):
        return Plain(out, err)
    from cli.rendered import Rendered

    return Rendered(out, err)
