"""An answer on its way to a screen, and how long it took.

Invariant: what came is shown, also when the rest does not come; only a complete answer has its figures.
Does not know: where the events come from, how the screen shows text.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from cli.answer import Answer
from cli.screen import Screen


class Event(Protocol):
    """A server-sent event."""

    @property
    def event(self) -> str: ...
    @property
    def data(self) -> str: ...


@dataclass(frozen=True)
class Times:
    """Seconds from asking to the first delta of any content (none without content) and to the end; none: unknown."""

    first_token_s: float | None
    total_s: float | None


def show(events: Iterable[Event], screen: Screen, answer: Answer, clock: Callable[[], float] = time.monotonic) -> Times:
    """Feed `answer` with the events, and the screen with its text; the clock starts with the call.

    Raises what `events` raises and AnswerError for an error event; what came before is then shown.
    """
    began = clock()
    first_token_s: float | None = None
    try:
        for event in events:
            text = answer.take(event.event, event.data)
            if answer.begun and first_token_s is None:
                first_token_s = clock() - began
            screen.status(answer.waits_for)
            if text:
                screen.text(text)
    finally:
        screen.close()
    return Times(first_token_s, clock() - began)


def conclude(screen: Screen, answer: Answer, times: Times | None) -> None:
    """The lines after a complete answer; without times there are no figures."""
    if answer.stopped_early:
        screen.after(f"sluice: the model stopped early: {answer.stopped_early}")
    if times:
        screen.after(summary(times, answer))


def summary(times: Times, answer: Answer) -> str:
    """The line after an answer; an answer without any content has no first token."""
    first = "none" if times.first_token_s is None else f"{times.first_token_s:.2f}s"
    total = "unknown" if times.total_s is None else f"{times.total_s:.1f}s"
    tokens = f"{answer.tokens_in} in, {answer.tokens_out} out"
    return f"[Time to first token: {first} | Total: {total} | Tokens: {tokens}]"
