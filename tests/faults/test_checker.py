"""The checker finds each kind of breach in a history made by hand, and nothing in an honest one."""

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from streamlog.errors import CODES, STATUS_BY_TYPE
from tests.faults import checker, history
from tests.faults.checker import NAMES, Rules, check
from tests.faults.history import Entry, Event, History, Injected, Response, Stream

JOB = "job_1"
RULES = Rules(frozenset({"worker_lost"}))
WORDS = ("Be", "cause", " so", ".")


def _event(number: int, name: str, data: str = "{}", attempt: int = 7, job: str = JOB) -> Event:
    event_id = f"{job}:{attempt}-{number}"
    return Event(1.0 + number / 10, event_id, name, f"id: {event_id}\nevent: {name}\ndata: {data}\n\n".encode())


def _lost(number: int = 1, attempt: int = 8) -> Event:
    error = {"error": {"type": "api_error", "details": {"error_code": "worker_lost"}}}
    return _event(number, "error", json.dumps(error), attempt)


def _answer() -> list[Event]:
    deltas = [_event(number, "content_block_delta", word) for number, word in enumerate(WORDS, 2)]
    return [_event(1, "message_start"), *deltas, _event(6, "message_stop")]


def _entries(events: list[Event]) -> list[Entry]:
    """Each frame a chunk of its own."""
    entries = []
    for event in events:
        position = event.id.rpartition(":")[2]
        mark = {"message_stop": b"done", "error": b"failed"}.get(event.name, b"-")
        entries.append(Entry(position, int(position.partition("-")[2]), mark, event.raw))
    return entries


def _history(events: list[Event] | None = None, log: list[Event] | None = None, how: str = "whole") -> History:
    """One stream: what its client got, and what the log holds (the same unless given)."""
    events = _answer() if events is None else events
    response = Response("POST /v1/messages", "g", 0.5, 200, {}, events, ended=2.0, how=how)
    stream = Stream("a", "text events=4", 0.5, JOB, [response])
    call = {"label": "a", "started": 0.6, "ended": 1.9, "ending": "complete"}
    found = History(1, [stream], [Injected(1.2, "kill", "w")], [call])
    found.logs = {JOB: _entries(events if log is None else log)}
    found.plain = {"4": [word.encode() for word in WORDS]}
    return found


HONEST: dict[str, Callable[[], History]] = {
    "a whole answer": _history,
    "a named ending of a newer attempt": lambda: _history([*_answer()[:3], _lost()]),
    "a named ending before content": lambda: _history([_lost()]),
}
# What is wrong -> how it looks, and a word of the breach.
WRONG: dict[str, tuple[Callable[[], History], str]] = {
    "a frame lost": (lambda: _history([*_answer()[:2], *_answer()[3:]]), "lost: 4 behind 2"),
    "a frame doubled": (lambda: _history([*_answer()[:3], *_answer()[2:]]), "doubled: 3 behind 3"),
    "another attempt": (lambda: _history([*_answer()[:3], _event(4, "content_block_delta", " so", 8)]), "two attempts"),
    "another job": (lambda: _history([*_answer()[:5], _event(6, "message_stop", job="job_2")]), "of another job"),
    "two endings": (lambda: _history([*_answer(), _lost()]), "2 endings"),
    "frames behind the ending": (lambda: _history([*_answer()[:3], _lost(), *_answer()[4:5]]), "behind the ending"),
    "a silent end": (lambda: _history(_answer()[:4]), "ended without a word"),
    "an open stream": (lambda: _history(_answer()[:4], how="late"), "open beyond its deadline"),
    "a cut": (lambda: _history(how="cut"), "1 responses were cut"),
    "a short answer": (lambda: _history([*_answer()[:3], _event(4, "message_stop")]), "a short answer: 2 of 4"),
    "other words": (
        lambda: _history([_answer()[0], _event(2, "content_block_delta", "No"), *_answer()[2:]]),
        "not the upstream's",
    ),
    "two answers": (lambda: _history([_answer()[0], _event(2, "message_start"), _lost()]), "2 answers mixed"),
    "a log that has more": (lambda: _history([*_answer()[:3], _lost()], _answer()), "what the log has not"),
    "a log that goes on": (lambda: _history(log=[*_answer(), _lost()]), "goes on behind"),
    "a log with a hole": (lambda: _history(log=[*_answer()[:2], *_answer()[3:]]), "the log has 4 behind 2"),
    "a log without an ending": (lambda: _history(log=_answer()[:5]), "no ending"),
    "no log": (lambda: _history(log=[]), "the log is gone"),
}


@pytest.mark.parametrize("made", HONEST.values(), ids=HONEST)
def test_an_honest_history(made: Callable[[], History]) -> None:
    """Nothing is found."""
    assert check(made(), RULES) == []


@pytest.mark.parametrize(("made", "breach"), WRONG.values(), ids=WRONG)
def test_a_breach_is_found(made: Callable[[], History], breach: str) -> None:
    """It is named, with the stream."""
    found = check(made(), RULES)
    assert any(breach in line and line.startswith("a (job_1)") for line in found), found


def test_an_error_that_is_not_allowed() -> None:
    """A named error is a breach where the rules do not list it."""
    assert check(_history([*_answer()[:3], _lost()]), Rules()) == [
        "a (job_1): an error that is not allowed here: worker_lost"
    ]


def test_upstream_calls() -> None:
    """One too many, one after content, one left open."""
    found = _history()
    found.calls.append({"label": "a", "started": 1.5, "ended": None, "ending": None})
    breaches = "\n".join(check(found, RULES))
    for breach in ("2 upstream calls, 1 are allowed", "called again after content", "was not closed"):
        assert breach in breaches


@pytest.mark.parametrize(("ended", "found"), [(1.55, False), (1.8, True)])
def test_a_call_that_was_given_up_before_it_arrived(ended: float, found: bool) -> None:
    """An upstream that is behind notes a call that a drain gave back behind the one that answered; one that it goes on
    to serve is a second one."""
    late = _history()
    late.calls.append({"label": "a", "started": 1.5, "ended": ended, "ending": "client_closed"})
    breaches = check(late, Rules(frozenset({"worker_lost"}), calls=2))
    assert any("called again after content" in breach for breach in breaches) == found


def test_a_run_without_a_fault_does_not_count() -> None:
    """Nor does one without streams."""
    assert check(History(1), RULES) == ["no fault was injected", "there was no stream"]


def test_its_names_are_those_of_the_product() -> None:
    """Every name that it would ever accept is in the product's table, or is an error type of the upstream's own."""
    assert not NAMES - {*CODES, *STATUS_BY_TYPE}


def test_it_imports_nothing_of_the_product() -> None:
    """What it says is evidence only as long as it shares no code with what it judges."""
    for module in (checker, history):
        tree = ast.parse(Path(str(module.__file__)).read_text())
        names = {
            name.split(".")[0] + ("." + name.split(".")[1] if name.startswith("tests.") else "")
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert names <= {"re", "json", "collections", "dataclasses", "typing", "tests.faults"}
