"""An answer on its way to the terminal, and how long it took.

Invariant: text is written as it comes. Into anything but a terminal goes the text and nothing else; into a terminal
no control characters go, since a model's words must not steer it.
Does not know: where the events come from.
"""

import time
from collections.abc import Callable, Iterable
from typing import Protocol, TextIO

from cli.answer import Answer

_SHOWN = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}


class Event(Protocol):
    """A server-sent event."""

    @property
    def event(self) -> str: ...
    @property
    def data(self) -> str: ...


def show(events: Iterable[Event], out: TextIO, err: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
    """Write the text to `out` and the summary after it: to `out` too if it is a terminal, else to `err`.

    The clock starts with the call, and the first token is the first delta of any content. Raises what `events` raises
    and AnswerError for an error event; what came before is then written, and no summary.
    """
    began = clock()
    first_token_s: float | None = None
    answer = Answer()
    last = "\n"
    try:
        for event in events:
            text = answer.take(event.event, event.data)
            if answer.begun and first_token_s is None:
                first_token_s = clock() - began
            if text:
                out.write(text.translate(_SHOWN) if out.isatty() else text)
                out.flush()
                last = text[-1]
    finally:
        if last != "\n":
            out.write("\n")
            out.flush()
    if answer.stopped_early:
        err.write(f"sluice: the model stopped early: {answer.stopped_early}\n")
    (out if out.isatty() else err).write(summary(first_token_s, clock() - began, answer) + "\n")


def summary(first_token_s: float | None, total_s: float, answer: Answer) -> str:
    """The line after an answer; an answer without any content has no first token."""
    first = "none" if first_token_s is None else f"{first_token_s:.2f}s"
    tokens = f"{answer.tokens_in} in, {answer.tokens_out} out"
    return f"[Time to first token: {first} | Total: {total_s:.1f}s | Tokens: {tokens}]"
