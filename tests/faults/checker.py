"""The judge: reads a history and says what in it breaks a promise.

Invariant: it imports nothing of the product and asks nobody; the same history is judged the same way. What is not
seen counts as broken: a stream without an ending, a call that was not closed, a run without a fault.
Does not know: which fault was injected; what is allowed comes with `Rules`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.faults.history import Entry, Event, History, Stream

# Every error that a stream may end with (docs/protocol.md), and the upstream's own types.
NAMES = frozenset(
    {
        "cancelled", "abandoned", "upstream_unreachable", "upstream_cut", "upstream_garbled", "upstream_stalled",
        "upstream_error", "answer_too_large", "worker_lost", "worker_failed", "worker_stopping", "request_lost",
        "stream_lost", "run_timeout", "queue_timeout", "queue_full", "no_workers", "redis_unavailable", "draining",
        "job_not_found", "rate_limit_error", "overloaded_error", "api_error", "timeout_error",
    }
)  # fmt: skip
STAMP = re.compile(rb"@(\d+) ")
_DELTAS = re.compile(r"\bevents=(\d+)")
_TAIL_S = 3.0  # more than a Redis that flushes every second can lose
_GIVEN_UP_S = 0.1
_MARKS = (b"done", b"failed", b"cancelled")


@dataclass(frozen=True, slots=True)
class Rules:
    """What this run allows: errors by name, upstream calls for one stream, responses without their end (`cuts`),
    a Redis that lost the tail of its logs, or all (`log_lost`).

    An upstream call is closed at most `close_s` after its stream has ended.
    """

    names: frozenset[str] = frozenset()
    calls: int = 1
    close_s: float = 3.0
    cuts: bool = False
    log_lost: bool = False


def check(history: History, rules: Rules) -> list[str]:
    """All breaches, each as a line that names the stream."""
    found = [] if history.injected else ["no fault was injected"]
    if not history.streams:
        found.append("there was no stream")
    laws = (_ending, _bodies, _frames, _text, _log, _calls)
    for stream in history.streams:
        found += [
            f"{stream.label} ({stream.job_id}): {breach}" for law in laws for breach in law(stream, history, rules)
        ]
    return found


def _ending(stream: Stream, history: History, rules: Rules) -> Iterable[str]:
    """It ends, whole or by a name that is allowed here."""
    if stream.left:
        return
    if stream.responses and stream.responses[-1].how in ("late", "open"):
        yield "open beyond its deadline"
    elif not stream.outcome:
        yield "ended without a word"
    elif stream.outcome != "done" and stream.outcome not in rules.names & NAMES:
        yield f"an error that is not allowed here: {stream.outcome}"


def _bodies(stream: Stream, history: History, rules: Rules) -> Iterable[str]:
    """Every response body has a proper end."""
    cut = [response for response in stream.responses if response.how == "cut"]
    if cut and not rules.cuts:
        yield f"{len(cut)} responses were cut"


def _frames(stream: Stream, history: History, rules: Rules) -> Iterable[str]:
    """Numbers without a gap, one attempt but for the ending by name, one ending and nothing behind it."""
    yield from _in_order([event.id for event in stream.frames], stream.job_id)
    endings = [index for index, event in enumerate(stream.frames) if event.is_ending]
    if len(endings) > 1:
        yield f"{len(endings)} endings"
    if endings and endings[0] != len(stream.frames) - 1:
        yield "frames behind the ending"


def _in_order(ids: list[str], job_id: str) -> Iterable[str]:
    attempt = number = 0
    for index, event_id in enumerate(ids):
        owner, _, position = event_id.rpartition(":")
        its_attempt, its_number = map(int, position.split("-"))
        ending = index > 0 and index == len(ids) - 1 and its_number == 1 and its_attempt > attempt
        if owner != job_id:
            yield f"a frame of another job: {event_id}"
        elif index and its_attempt != attempt and not ending:
            yield f"two attempts: {attempt} and {its_attempt}"
        elif its_number != number + 1 and not ending:
            yield f"{'doubled' if its_number <= number else 'lost'}: {its_number} behind {number}"
        attempt, number = its_attempt, its_number


def _text(stream: Stream, history: History, rules: Rules) -> Iterable[str]:
    """What was said is the beginning of what the simulator says by itself, all of it if the stream is whole."""
    plain = history.plain.get(deltas_of(stream.scenario))
    said = _deltas(stream.frames)
    starts = sum(event.name == "message_start" for event in stream.frames)
    if starts > 1:
        yield f"{starts} answers mixed"
    if plain is None:
        return
    if said != plain[: len(said)]:
        yield "the text is not the upstream's"
    elif stream.outcome == "done" and not stream.left and len(said) != len(plain):
        yield f"a short answer: {len(said)} of {len(plain)} deltas"


def deltas_of(scenario: str) -> str:
    """How many deltas a scenario has, as it says itself."""
    found = _DELTAS.search(scenario)
    return found[1] if found else ""


def _deltas(events: Iterable[Event]) -> list[bytes]:
    return [delta_of(event.raw) for event in events if event.name == "content_block_delta"]


def delta_of(raw: bytes) -> bytes:
    """The data of a delta, without its stamp."""
    return STAMP.sub(b"", raw.partition(b"data: ")[2].rstrip(b"\n"))


def _log(stream: Stream, history: History, rules: Rules) -> Iterable[str]:
    """The log has one ending, no gap, and what the client has."""
    entries = history.logs.get(stream.job_id)
    if not stream.job_id or (entries is None and rules.log_lost):
        return
    if not entries:
        yield "the log is gone"
        return
    if not rules.log_lost:
        yield from _entries(entries)
    kept = b"".join(entry.data for entry in entries)
    has = b"".join(event.raw for event in stream.frames)
    ended = any(event.is_ending for event in stream.frames)
    if rules.log_lost and (stream.outcome != "done" or _lost_behind(stream, history)):
        return
    if not kept.startswith(has):
        yield f"the client has what the log has not: {len(has)} bytes, {len(kept)} in the log"
    elif ended and kept != has:
        yield f"the log goes on behind the client's ending: {len(has)} bytes, {len(kept)} in the log"


def _lost_behind(stream: Stream, history: History) -> bool:
    """Whether what Redis lost may be the end of a stream that its client already had."""
    return any(0 <= injected.at - stream.ended < _TAIL_S for injected in history.injected)


def _entries(entries: list[Entry]) -> Iterable[str]:
    attempt, number = "", 0
    for entry in entries:
        its_attempt, _, last = entry.id.partition("-")
        first = entry.first
        by_name = entry is entries[-1] and first == 1 and int(last) == 1
        if attempt and not by_name and (its_attempt != attempt or first != number + 1):
            yield f"the log has {first} behind {number} of attempt {attempt}"
        if entry.mark in _MARKS and entry is not entries[-1]:
            yield "the log goes on behind an ending"
        attempt, number = its_attempt, int(last)
    if entries[-1].mark not in _MARKS:
        yield "the log has no ending"


def _calls(stream: Stream, history: History, rules: Rules) -> Iterable[str]:
    """As few upstream calls as promised, none after content was delivered, none left open."""
    calls = history.calls_of(stream.label)
    if len(calls) > rules.calls:
        yield f"{len(calls)} upstream calls, {rules.calls} are allowed"
    if stream.outcome == "done" and not calls:
        yield "an answer without an upstream call"
    content = next((event.at for event in stream.frames if event.name == "content_block_delta"), None)
    if rules.log_lost and _lost_behind(stream, history):
        content = None  # by what Redis still knows, nothing was delivered
    if content is not None and any(call["started"] > content and not _given_up(call) for call in calls):
        told = [f"{call['started'] - content:+.3f} s to {call['ending']}" for call in calls]
        yield f"called again after content was delivered: {', '.join(told)}"
    for call in calls:
        over = max(stream.ended, call["started"]) + rules.close_s
        if call["ended"] is None or (not stream.left and call["ended"] > over):
            yield f"its upstream call was not closed within {rules.close_s} s of its end"


def _given_up(call: Mapping[str, Any]) -> bool:
    """Whether its caller had gone when the upstream, behind with its work, came to it: made earlier, arrived late."""
    return call["ending"] == "client_closed" and float(call["ended"]) - float(call["started"]) < _GIVEN_UP_S


def endings(history: History) -> dict[str, int]:
    """How the streams ended: `done`, or the name of the error, and how many each."""
    told = [stream.outcome or "without a word" for stream in history.streams if not stream.left]
    return {name: told.count(name) for name in sorted(set(told), key=lambda name: (name != "done", name))}
