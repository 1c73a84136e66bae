"""From a stream to what a command prints: text for people and pipes, or one JSON object for programs.

Invariant: with JSON there is one object whatever happens once the call is made, and its `error` says what did.
Does not know: whether the answer was asked for or only followed.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from cli.answer import Answer, AnswerError
from cli.keys import unechoed
from cli.screen import Silent, screen_for
from cli.showing import Times, conclude, show
from cli.stream import Stream, Unreachable

if TYPE_CHECKING:
    from cli.client import Client

# The control characters that JSON leaves as they are; a terminal may obey them.
_ESCAPED = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def as_measured(times: Times) -> Times:
    """The times of whoever asked are its own."""
    return times


def print_text(client: "Client", stream: Stream, raw: bool, timed: Callable[[Times], Times] = as_measured) -> None:
    """Show it as it comes, figures last. `timed` gives the times to print, once it is complete.

    If it cannot, that is said in their place: the answer is complete without them.
    """
    screen, answer = screen_for(sys.stdout, sys.stderr, raw=raw), Answer()
    client.note = screen.note
    with unechoed(), stream:
        times = show(stream, screen, answer)
    conclude(screen, answer, _figures(timed, times, lambda why: screen.after(f"sluice: {why}")))


def print_json(client: "Client", stream: Stream, timed: Callable[[Times], Times] = as_measured) -> None:
    """Print it as one line once nothing more comes; then raise what ended it, if it is not complete."""
    screen, answer, times, trouble = Silent(sys.stderr), Answer(), None, None
    client.note = screen.note
    try:
        with stream:
            times = show(stream, screen, answer)
    except (AnswerError, Unreachable) as error:
        trouble = error
    else:
        times = _figures(timed, times, screen.note)
    print(json.dumps(_fields(stream, answer, times, trouble), ensure_ascii=False).translate(_ESCAPED), flush=True)
    if trouble:
        raise trouble


def _figures(timed: Callable[[Times], Times], times: Times, say: Callable[[str], None]) -> Times | None:
    try:
        return timed(times)
    except (AnswerError, Unreachable) as error:
        say(f"no figures: {error}")
        return None


def _fields(stream: Stream, answer: Answer, times: Times | None, trouble: Exception | None) -> dict[str, object]:
    return {
        "job": stream.job or None,
        "last_event_id": stream.position or None,
        "model": answer.model or None,
        "text": answer.text,
        "stop_reason": answer.stop_reason,
        "usage": answer.usage,
        **asdict(times or Times(None, None)),
        "complete": answer.complete,
        "error": str(trouble) if trouble else None,
    }
