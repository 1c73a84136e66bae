import io
import threading

import pytest

from cli.console import Console, wants_colour
from tests.cli.waiting import until


class _Held(io.StringIO):
    """A terminal that takes nothing until it is let go (Ctrl-S)."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = threading.Event()
        self.let_go = threading.Event()

    def write(self, text: str) -> int:
        self.taken.set()
        self.let_go.wait(10)
        return super().write(text)


class _Closed(io.StringIO):
    """A pipe whose reader has left."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _never() -> None:
    raise AssertionError("the output is not gone")


def test_lines_come_out_whole_in_order_with_their_names() -> None:
    """What a process writes stands behind its name; what is said has none."""
    out = io.StringIO()
    console = Console(out, colour=False, gone=_never)
    console.relay("worker 1", "hello")
    console.say("two\nlines")
    console.relay("gateway", "there")
    console.close()
    assert out.getvalue() == "worker 1  │ hello\ntwo\nlines\ngateway   │ there\n"


def test_every_name_has_its_colour() -> None:
    """With colour, names differ in it; the lines themselves stay as they came."""
    out = io.StringIO()
    console = Console(out, colour=True, gone=_never)
    for name in ("worker 1", "worker 2", "worker 1"):
        console.relay(name, "x")
    console.close()
    first, second, third = out.getvalue().splitlines()
    assert first == third != second.replace("worker 2", "worker 1")
    assert first.startswith("\x1b[")
    assert first.endswith(" │ x")


def test_a_terminal_that_takes_nothing_holds_nobody_back() -> None:
    """Saying returns at once, and what did not fit is counted."""
    out = _Held()
    console = Console(out, colour=False, gone=_never)
    console.say("first")
    assert out.taken.wait(5)
    for number in range(3000):
        console.say(f"line {number}")
    out.let_go.set()
    until(lambda: "line 1999\n" in out.getvalue())
    console.say("last")
    console.close()
    assert out.getvalue().splitlines()[-3:] == [
        "line 1999",
        "… 1000 lines left out: the terminal did not take them",
        "last",
    ]


def test_closing_does_not_wait_for_a_terminal_for_ever() -> None:
    """The end of the program is not held back either."""
    out = _Held()
    console = Console(out, colour=False, gone=_never)
    console.say("first")
    console.close(limit_s=0.05)
    assert out.getvalue() == ""
    out.let_go.set()


def test_a_closed_pipe_is_told_once() -> None:
    """Nobody reads any more: the owner hears of it, and may go on saying things while it stops."""
    told: list[str] = []
    console = Console(_Closed(), colour=False, gone=lambda: told.append("gone"))
    console.say("first")
    until(lambda: told)
    console.say("second")
    console.close()
    assert told == ["gone"]


def test_what_is_no_terminal_gets_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file or a pipe stays plain."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    assert not wants_colour(io.StringIO())


def test_a_terminal_gets_colour_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://no-color.org, and terminals that know none."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert wants_colour(_Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(_Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colour(_Terminal())
