"""POST /v1/messages and POST /v1/messages/count_tokens: check, choose a scenario, make its script.

Invariant: both read a body in the same way, so they refuse the same and count the same tokens. Does not know HTTP
bytes nor any scenario by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from simulator.answer import within_limits
from simulator.ask import Ask, read_ask
from simulator.checks import checked_body
from simulator.choice import Choice, Pace, choose
from simulator.endpoint import Plan
from simulator.headers import new_id
from simulator.http import HttpRequest
from simulator.ledger import Call, Ledger
from simulator.message import Envelope, message_body, message_frames
from simulator.scenario import Call as ScenarioCall
from simulator.scenario import Reply

AT_ONCE = Pace(0, 0)
"""The usual pace of what no model writes."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A call with the scenario that answers it and that scenario's reply."""

    ask: Ask
    choice: Choice
    reply: Reply

    @property
    def pace(self) -> Pace:
        """The pace of this call; a scenario's wait comes before any other."""
        pace = self.choice.pace()
        wait_ms = self.reply.first_token_ms
        return pace if wait_ms is None else replace(pace, first_token_ms=wait_ms)


class Messages:
    """The planners of both endpoints, with the pace of messages that ask for none."""

    def __init__(self, ledger: Ledger, pace: Pace) -> None:
        self._ledger = ledger
        self._pace = pace

    def answer(self, request: HttpRequest, call: Call) -> Plan:
        """The plan of a message, streamed or whole."""
        ask = read_ask(checked_body(request))
        call.model, call.stream = ask.model, ask.stream
        return _plan_message(chosen(self._ledger, ask, request, call, self._pace), call.request_id or "")

    def count(self, request: HttpRequest, call: Call) -> Plan:
        """The plan of a count: the number that the message's `usage.input_tokens` would have."""
        ask = read_ask(checked_body(request, for_answer=False))
        call.model = ask.model
        found = chosen(self._ledger, ask, request, call, AT_ONCE)
        return plan_body(found, {"input_tokens": ask.input_tokens})


def chosen(ledger: Ledger, ask: Ask, request: HttpRequest, call: Call, pace: Pace) -> Chosen:
    """Pick the scenario and let it reply; the call learns what was understood. Raises ApiError for a refusal."""
    call.label = call.label or ask.user_id
    choice = choose(ask, request.headers, pace)
    call.scenario = choice.scenario.name
    reply = choice.scenario.reply(ScenarioCall(ask, choice.values, _counter(ledger, request.path, ask)))
    return Chosen(ask, choice, reply)


def plan_body(found: Chosen, body: dict[str, Any]) -> Plan:
    """The plan of an answer that no model writes: its one frame takes the scenario's wait, and no time for writing."""
    return Plan(found.reply.delivery.whole(msgspec.json.encode(body)), found.pace)


def _counter(ledger: Ledger, path: str, ask: Ask) -> Callable[[], int]:
    said = "\0".join((path, ask.model, ask.user_id or "", ask.directive or "", ask.prompt))
    return lambda: ledger.earlier_calls(hashlib.sha256(said.encode()).hexdigest())


def _plan_message(found: Chosen, request_id: str) -> Plan:
    ask, delivery = found.ask, found.reply.delivery
    answer = within_limits(found.reply.answer, ask.max_tokens, ask.stop_sequences)
    envelope = Envelope(new_id("msg"), ask.model)
    if ask.stream:
        script = delivery.stream(message_frames(answer, envelope), request_id)
        return Plan(script, found.pace, streams=True, stamp=found.choice.values.optional_count("stamp") == 1)
    body = delivery.whole(message_body(answer, envelope))
    return Plan(body, _whole_pace(found.pace, answer.output_tokens))


def _whole_pace(pace: Pace, tokens: int) -> Pace:
    """A body comes when its last token would have come; its one frame is the first."""
    writing_ms = 1000 * tokens / pace.tokens_per_second if pace.tokens_per_second else 0.0
    return replace(pace, first_token_ms=pace.first_token_ms + writing_ms)
