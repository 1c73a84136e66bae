import io
import re
import time
from unicodedata import category

import pytest

from cli.block import Block
from cli.markdown import blocks, presentable, split
from cli.region import Region
from cli.rendered import Rendered
from tests.cli.emulator import Emulator
from tests.cli.waiting import until

PAGE = """\
# Sluice gates

A **sluice gate** is a *wooden* or metal barrier; see `gate.open()` and [the docs](https://example.com/x).
It has a
#hashtag and

1. Turn the **wheel**
   - gently

   - slowly
2. Wait

```python
# no heading
def gate() -> None:

    print("- no list")
```

| part | what it does |
|------|-------------|
| wheel | turns **things** |

> quoted
wisdom
***
Last words with snake_case, 2 * 3 = 6, 日本語 and 🙂."""


class _Terminal(io.StringIO):
    """Shows what was written to it."""

    def __init__(self, columns: int = 60, rows: int = 24) -> None:
        super().__init__()
        self.screen = Emulator(columns, rows)
        self.written = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.written += text
        self.screen.feed(text.replace("\n", "\r\n").encode())
        return len(text)


@pytest.fixture(autouse=True)
def _size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", "xterm-256color")


def _whole(text: str) -> str:
    """As it looks when it comes at once."""
    terminal = _Terminal()
    screen = Rendered(terminal, io.StringIO())
    screen.text(text)
    screen.close()
    return terminal.screen.text


def test_blocks_joined_are_the_text() -> None:
    """Nothing is lost, wherever the cut is."""
    for end in range(0, len(PAGE) + 1, 2):
        text = PAGE[:end]
        assert "".join(blocks(text)) == text
        finished, rest = split(text)
        assert "".join(finished) + rest == text


def test_a_finished_block_stays_as_it_is() -> None:
    """Whatever comes after it: it is one of the blocks of the whole."""
    whole = blocks(PAGE)
    for end in range(len(PAGE) + 1):
        finished, _ = split(PAGE[:end])
        assert finished == whole[: len(finished)]
    assert len(split(PAGE + "\n")[0]) == len(whole) - 1


@pytest.mark.parametrize("step", [5, 70])
def test_an_answer_looks_the_same_however_it_comes(step: int) -> None:
    """Painted after each piece, the screen ends as if it had come at once."""
    terminal = _Terminal()
    screen = Rendered(terminal, io.StringIO(), pause_s=0.001)
    for at in range(0, len(PAGE), step):
        painted = screen.paintings
        screen.text(PAGE[at : at + step])
        until(lambda painted=painted: screen.paintings > painted)  # type: ignore[misc]
    screen.close()
    assert terminal.screen.text == _whole(PAGE)


def test_it_looks_as_it_should() -> None:
    """Marks are gone, links show where they lead, code is as it was written."""
    assert (
        _whole(PAGE)
        == """\
Sluice gates

A sluice gate is a wooden or metal barrier; see gate.open()
and the docs (https://example.com/x). It has a #hashtag and

 1 Turn the wheel
    • gently
    • slowly
 2 Wait

 # no heading
 def gate() -> None:

     print("- no list")

 part   what it does
 ───────────────────
 wheel  turns things

▌ quoted wisdom

────────────────────────────────────────────────────────────

Last words with snake_case, 2 * 3 = 6, 日本語 and 🙂."""
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a **bo", "a **bo**"),
        ("a **", "a"),
        ("**bold**", "**bold**"),
        ("a *b **c", "a *b **c***"),
        ("a `co*", "a `co`"),
        ("`a` b", "`a` b"),
        ("~~ol", "~~ol~~"),
        ("see [the do", "see"),
        ("see [the docs](http", "see"),
        ("see [the docs](http://x) and", "see [the docs](http://x) and"),
        ("* item", "* item"),
        ("2 * 3", "2 * 3"),
        ("snake_case", "snake_case"),
        (r"\*not", r"\*not"),
        ("```py\nx = **a", "```py\nx = **a"),
        ("- a **b**\n- c **d", "- a **b**\n- c **d**"),
    ],
)
def test_a_mark_that_is_open_is_closed_for_the_eye(text: str, shown: str) -> None:
    """And one that is half written is not shown yet."""
    assert presentable(text) == shown


def test_a_line_full_of_half_links_takes_no_longer_than_others() -> None:
    """Ctrl-C waits for each look at it; so does the next painting."""
    line = "![" * 30_000
    began = time.process_time()
    shown = presentable(line)
    took_s = time.process_time() - began
    assert line.startswith(shown)
    assert took_s < 5  # with a search through all of it, 15 s


@pytest.mark.parametrize("letters", [0, 900, 100_000])
def test_a_half_link_waits_however_long_the_line_is(letters: int) -> None:
    """Only what stands at its end is looked at."""
    assert presentable("x" * letters + " [the docs](http") == "x" * letters


def test_an_answer_cannot_steer_the_terminal() -> None:
    """No sequence of its own, and no hidden link."""
    assert _whole("a\x1b[2Jb\x07 [x](https://evil.example)") == "a�[2Jb� x (https://evil.example)"


@pytest.mark.parametrize(
    "link",
    [
        "<http://e/%1b]52;c;ZXZpbA==%1b%5c>",
        "<http://e/%1b[2J%1b[H>",
        "<http://e/%C2%9B2J>",
        "<mailto:a@b.c?%1b]0;x%07>",
        "| <http://e/%1b[2J> |\n|---|\n| <http://e/%1b[2J> |",
    ],
)
def test_what_a_link_decodes_to_cannot_steer_it_either(link: str) -> None:
    """The parser decodes percent signs after the text was made harmless."""
    terminal = _Terminal()
    screen = Rendered(terminal, io.StringIO())
    screen.text(f"a {link} b")
    screen.close()
    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.written)
    assert "e/" in shown or "mailto:" in shown
    assert {letter for letter in shown if category(letter) == "Cc"} == {"\n"}


def test_what_is_said_beside_an_answer_cannot_steer_it() -> None:
    """A note may hold a server's words, and so may a line about the answer."""
    terminal = _Terminal()
    screen = Rendered(terminal, io.StringIO(), pause_s=0.001)
    screen.note("lost (\x1b]0;x\x07)")
    until(lambda: terminal.screen.text == "lost (�]0;x�) … 0 s")
    screen.close()
    screen.after("stopped: \x1b[2J")
    assert terminal.screen.text == "stopped: �[2J"


def test_a_block_taller_than_the_screen_is_whole_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it comes its last lines are seen; nothing is left behind in the scrolled part."""
    monkeypatch.setenv("LINES", "6")
    terminal = _Terminal(rows=6)
    screen = Rendered(terminal, io.StringIO(), pause_s=0.001)
    code = "\n".join(f"line {number}" for number in range(20))
    screen.text("First.\n\n```\n" + code)
    until(lambda: "line 19" in terminal.screen.text)
    assert "line 3\n" not in terminal.screen.text
    screen.close()
    assert terminal.screen.text == "First.\n\n" + "\n".join(f" line {number}" for number in range(20))


def test_what_is_waited_for_is_shown_and_taken_away() -> None:
    """The place in the queue, a lost connection; the answer has no trace of them."""
    terminal = _Terminal()
    screen = Rendered(terminal, io.StringIO(), pause_s=0.001)
    screen.status("queued, 3 before it")
    until(lambda: terminal.screen.text == "queued, 3 before it … 0 s")
    screen.status("")
    screen.text("Hello")
    screen.note("connection lost")
    until(lambda: terminal.screen.text == "Hello\nconnection lost … 0 s")
    screen.text(", you!")
    until(lambda: terminal.screen.text == "Hello, you!")
    screen.close()
    screen.after("[figures]")
    assert terminal.screen.text == "Hello, you!\n[figures]"


def test_a_painting_is_taken_away_at_the_width_of_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that became narrower has broken the lines, so there are more rows to take away."""
    terminal = _Terminal(columns=20)
    monkeypatch.setenv("COLUMNS", "20")
    region = Region(terminal)
    region.paint(["above"], [Block("x" * 15)])
    written = io.StringIO()
    monkeypatch.setattr(region, "_out", written)
    monkeypatch.setattr(region._console, "_width", 5)
    region.leave()
    assert written.getvalue().startswith("\r\x1b[2A\x1b[J")
