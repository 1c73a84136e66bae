import io
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

import pytest

from cli.answer import Answer, AnswerError
from cli.screen import Plain, Silent
from cli.showing import Event, Times, conclude, show, summary


@dataclass(frozen=True)
class _Event:
    event: str
    data: str


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _events(*texts: str, reason: str = "end_turn") -> Iterator[Event]:
    yield _Event("message_start", json.dumps({"message": {"usage": {"input_tokens": 187}}}))
    for text in texts:
        yield _Event("content_block_delta", json.dumps({"delta": {"text": text}}))
    yield _Event("message_delta", json.dumps({"delta": {"stop_reason": reason}, "usage": {"output_tokens": 142}}))
    yield _Event("message_stop", "{}")


def _show(events: Iterable[Event], out: TextIO, err: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
    screen, answer = Plain(out, err), Answer()
    conclude(screen, answer, show(events, screen, answer, clock))


def _clock(*times: float) -> "Iterator[float]":
    return itertools.chain(times, itertools.repeat(times[-1]))


def test_a_terminal_gets_the_text_and_the_summary() -> None:
    """In exactly this form."""
    out, err, clock = _Terminal(), io.StringIO(), _clock(10.0, 10.314, 13.84)
    _show(_events("Hello, ", "you!"), out, err, lambda: next(clock))
    assert out.getvalue() == "Hello, you!\n[Time to first token: 0.31s | Total: 3.8s | Tokens: 187 in, 142 out]\n"
    assert err.getvalue() == ""


def test_a_pipe_gets_the_text_alone() -> None:
    """The summary goes to stderr."""
    out, err, clock = io.StringIO(), io.StringIO(), _clock(0.0, 0.5, 1.0)
    _show(_events("Hello\n"), out, err, lambda: next(clock))
    assert out.getvalue() == "Hello\n"
    assert err.getvalue() == "[Time to first token: 0.50s | Total: 1.0s | Tokens: 187 in, 142 out]\n"


def test_text_is_written_as_it_comes() -> None:
    """Each delta is there, and flushed, before the next is asked for."""
    seen: list[str] = []

    class Unbuffered(io.StringIO):
        def flush(self) -> None:
            seen.append(self.getvalue())

    out = Unbuffered()

    def events() -> Iterator[Event]:
        for event in _events("a", "b", "c"):
            before = out.getvalue()
            yield event
            assert out.getvalue() == before or seen[-1] == out.getvalue()

    _show(events(), out, io.StringIO())
    assert seen[:3] == ["a", "ab", "abc"]


def test_a_model_cannot_steer_the_terminal() -> None:
    """Control characters are shown as such; line ends and tabs are text."""
    out = _Terminal()
    _show(_events("a\x1b[2Jb\x07\x9bc\td\ne"), out, io.StringIO())
    assert out.getvalue().startswith("a�[2Jb��c\td\ne\n[")


def test_a_server_cannot_steer_the_terminal() -> None:
    """Nor by what it says beside the text, wherever that goes."""
    out, err = _Terminal(), _Terminal()
    _show(_events("a", reason="\x1b[2J"), out, io.StringIO())
    assert out.getvalue().startswith("a\nsluice: the model stopped early: �[2J\n")
    Plain(io.StringIO(), err).note("\x1b[2J")
    Plain(io.StringIO(), err).after("\x1b[2J")
    Silent(err).note("\x9b2J")
    assert err.getvalue() == "sluice: �[2J\n�[2J\nsluice: �2J\n"


def test_a_pipe_gets_every_letter_unchanged() -> None:
    """What is no terminal is not steered by anything."""
    out = io.StringIO()
    _show(_events("a\x1bb\n"), out, io.StringIO())
    assert out.getvalue() == "a\x1bb\n"


def test_an_error_in_mid_answer_ends_the_line_and_shows_no_summary() -> None:
    """What came before stays; nothing makes it look complete."""
    out, err = _Terminal(), io.StringIO()
    events = itertools.chain(
        itertools.islice(_events("Hel"), 2), [_Event("error", '{"error": {"type": "api_error", "message": "no"}}')]
    )
    with pytest.raises(AnswerError, match="api_error: no"):
        _show(events, out, err)
    assert (out.getvalue(), err.getvalue()) == ("Hel\n", "")


def test_an_early_stop_is_said() -> None:
    """After the text, where the figures go, since it is no text of the answer."""
    out, err = io.StringIO(), io.StringIO()
    _show(_events("Hel", reason="max_tokens"), out, err)
    assert err.getvalue().startswith("sluice: the model stopped early: max_tokens\n[Time")
    assert out.getvalue() == "Hel\n"


def test_an_answer_without_content_has_no_first_token() -> None:
    """A number that was never measured is not made up."""
    assert summary(Times(None, 1.0), Answer()) == "[Time to first token: none | Total: 1.0s | Tokens: 0 in, 0 out]"
