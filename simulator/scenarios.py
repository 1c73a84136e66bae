"""The one table of scenarios: what the simulator can be asked to do, by what name, with what parameters.

`claude-sim-<name>` as the model, or `[[sim:<name>]]` in the prompt, picks a row; DEFAULT answers everything else.
How to add a row: docs/simulator.md.
"""

from __future__ import annotations

from collections.abc import Callable

from simulator import answers
from simulator.answer import Answer
from simulator.ask import Ask
from simulator.delivery import (
    Broken,
    ByteByByte,
    Crlf,
    Delivery,
    Ending,
    ErrorEvent,
    Garbage,
    NoMessageStop,
    Pings,
    Place,
)
from simulator.errors import ERROR_TYPES, ODD_BODIES, ApiError
from simulator.scenario import Call, Parameter, Reply, Scenario

_AFTER = Parameter("behind so many events; message_start is the first", default=5, high=1_000_000)
_BEFORE = Parameter("instead of `after`", words=("headers", "content"))
_STATUS = Parameter("the error's status; it decides its type", "529", words=tuple(map(str, ERROR_TYPES)))
_THEN_OK = Parameter("only the first so many calls of a conversation fail", default=0, high=1_000)


def _says(answer: Callable[[Ask, int | None], Answer]) -> Callable[[Call], Reply]:
    return lambda call: Reply(answer(call.ask, call.events))


def _arrives(delivery: Callable[[Call], Delivery]) -> Callable[[Call], Reply]:
    """The answer that fits the call, delivered in this way."""
    return lambda call: Reply(answers.fitting(call.ask, call.events), delivery(call))


def _place(call: Call) -> Place:
    return Place(call.values.word("before"), call.values.count("after"))


def _cut(call: Call) -> Delivery:
    return Broken(_place(call), Ending.RESET if call.values.count("reset") else Ending.CLOSE)


def _status(call: Call) -> int:
    return int(call.values.word("status") or 0)


def _has_recovered(call: Call) -> bool:
    failures = call.values.count("then-ok")
    return failures > 0 and call.earlier_calls() >= failures


def _refusal(call: Call) -> Delivery:
    if _has_recovered(call):
        return Delivery()
    odd = ODD_BODIES.get(call.values.word("body") or "")
    raise ApiError(_status(call), headers=(*_retry_after(call), *_should_retry(call)), odd=odd)


def _should_retry(call: Call) -> tuple[tuple[str, str], ...]:
    word = call.values.word("should-retry")
    return () if word is None else (("x-should-retry", word),)


def _retry_after(call: Call) -> tuple[tuple[str, str], ...]:
    if call.values.word("retry-after") == "none":
        return ()
    usual = 1 if _status(call) == 429 else None
    seconds = call.values.optional_count("retry-after")
    wait_s = usual if seconds is None else seconds
    return () if wait_s is None else (("retry-after", str(wait_s)),)


def _error_event(call: Call, after: int) -> Delivery:
    return Delivery() if _has_recovered(call) else ErrorEvent(after, _status(call))


_WHAT_IS_SAID = (
    Scenario(
        "answer",
        "what a model would do: think if thinking is on, call a tool if there is one, else write Markdown",
        _says(answers.fitting),
    ),
    Scenario("text", "Markdown that fits the prompt's words", _says(answers.written)),
    Scenario("thinking", "a thinking block with its signature, then text", _says(answers.thought)),
    Scenario("redacted-thinking", "a redacted thinking block, then text", _says(answers.redacted)),
    Scenario(
        "tools",
        "a sentence, then calls of the request's tools; text once a tool result is there",
        lambda call: Reply(answers.using_tools(call.ask, call.events, call.values.count("calls"))),
        {"calls": Parameter("number of tool calls", default=2, low=1, high=20)},
        primary="calls",
    ),
    Scenario("server-tools", "a web search by the API itself, then text that cites it", _says(answers.searched)),
    Scenario("citations", "text with a citation of the request's document", _says(answers.cited)),
    Scenario(
        "cache",
        "text to a prompt that was written to and read from the cache",
        lambda call: Reply(
            answers.cached(call.ask, call.events, call.values.count("created"), call.values.count("read"))
        ),
        {
            "created": Parameter("tokens written to the cache", default=512, high=1_000_000),
            "read": Parameter("tokens read from the cache", default=2_048, high=1_000_000),
        },
    ),
    Scenario(
        "multibyte",
        "emoji, CJK, right-to-left text, U+2028 and U+0085, characters that JSON escapes",
        _says(answers.multibyte),
    ),
    Scenario("long", "text of 4,000 deltas", lambda call: Reply(answers.written(call.ask, call.events or 4_000))),
    Scenario("empty", "an answer without content", _says(answers.empty)),
    Scenario("refusal", "a few words, then `stop_reason` refusal", _says(answers.refused)),
    Scenario("pause-turn", "a server tool begins, then `stop_reason` pause_turn", _says(answers.paused)),
)

_HOW_IT_ARRIVES = (
    Scenario(
        "pings",
        "pings between the deltas",
        _arrives(lambda call: Pings(call.values.count("every"))),
        {"every": Parameter("a ping before every so many deltas", default=1, low=1, high=100_000)},
        primary="every",
    ),
    Scenario(
        "slow-first-token",
        "a long wait before the content",
        lambda call: Reply(answers.fitting(call.ask, call.events), first_token_ms=call.values.number("ms")),
        {"ms": Parameter("the wait in ms", default=5_000, high=600_000)},
        primary="ms",
    ),
    Scenario("crlf", "lines that end with CR LF", _arrives(lambda call: Crlf())),
    Scenario("one-byte-writes", "each byte in a write of its own", _arrives(lambda call: ByteByByte())),
)

_HOW_IT_FAILS = (
    Scenario(
        "stall",
        "nothing comes any more, until the client leaves",
        _arrives(lambda call: Broken(_place(call), Ending.STALL)),
        {"after": _AFTER, "before": _BEFORE},
        primary="after",
    ),
    Scenario(
        "cut",
        "the connection closes without the end of the response",
        _arrives(_cut),
        {"after": _AFTER, "before": _BEFORE, "reset": Parameter("1: by a TCP reset", default=0, high=1)},
        primary="after",
    ),
    Scenario(
        "no-message-stop",
        "the response ends cleanly, but without message_stop",
        _arrives(lambda call: NoMessageStop()),
    ),
    Scenario(
        "error",
        "a refusal by status",
        _arrives(_refusal),
        {
            "status": _STATUS,
            "retry-after": Parameter("in seconds; by default 1 with a 429", high=3_600, words=("none",)),
            "should-retry": Parameter("the header `x-should-retry`", words=("true", "false")),
            "body": Parameter(
                "in place of the API's error: a middle box's, or JSON off shape", words=tuple(ODD_BODIES)
            ),
            "then-ok": _THEN_OK,
        },
        primary="status",
    ),
    Scenario(
        "error-first",
        "200, then `event: error` as the first and only event",
        _arrives(lambda call: _error_event(call, after=0)),
        {"status": _STATUS, "then-ok": _THEN_OK},
        primary="status",
    ),
    Scenario(
        "error-mid-stream",
        "`event: error` in the middle of the answer, then the end",
        _arrives(lambda call: _error_event(call, after=call.values.count("after"))),
        {"after": _AFTER, "status": _STATUS, "then-ok": _THEN_OK},
        primary="after",
    ),
    Scenario(
        "garbage",
        "bytes that are no event and no UTF-8 in the middle of a stream that goes on",
        _arrives(lambda call: Garbage(call.values.count("after"))),
        {"after": _AFTER},
        primary="after",
    ),
)

SCENARIOS: dict[str, Scenario] = {row.name: row for row in (*_WHAT_IS_SAID, *_HOW_IT_ARRIVES, *_HOW_IT_FAILS)}
DEFAULT = SCENARIOS["answer"]
