"""POST /v1/messages: check, choose a scenario, play its script.

Invariant: every call is in the ledger before anything can refuse it, and leaves it closed. Does not know HTTP bytes
nor any scenario by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from simulator.answer import within_limits
from simulator.ask import Ask, read_ask
from simulator.checks import checked_body
from simulator.choice import Choice, Pace, choose
from simulator.delivery import Script
from simulator.errors import ApiError, error_body
from simulator.exchange import Exchange
from simulator.headers import api_headers, new_id
from simulator.http import HttpRequest
from simulator.ledger import Call, Ledger
from simulator.message import Envelope, message_body, message_frames
from simulator.pacer import Pacer
from simulator.player import Player
from simulator.scenario import Call as ScenarioCall
from simulator.scenario import Reply

_STREAM_TYPE = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
_JSON_TYPE = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be sent and when. `length` is that of the whole body in bytes, None for a stream."""

    script: Script
    pace: Pace
    length: int | None
    stamp: bool


class Messages:
    """The endpoint, with the pace of calls that ask for none."""

    def __init__(self, ledger: Ledger, pace: Pace) -> None:
        self._ledger = ledger
        self._pace = pace
        self._pacer = Pacer()

    def __call__(self, request: HttpRequest, exchange: Exchange) -> None:
        """Answer one call; a refusal is answered at once, all else is played."""
        call = self._ledger.open(request)
        call.label = request.headers.get("x-sim-label")
        call.request_id = new_id("req")
        try:
            plan = self._plan(request, call)
        except ApiError as refusal:
            self._refuse(refusal, call, exchange)
            return
        except BaseException:
            self._ledger.close(call, "error")
            raise
        self._play(plan, call, exchange)

    def _plan(self, request: HttpRequest, call: Call) -> Plan:
        ask = read_ask(checked_body(request))
        call.model, call.stream = ask.model, ask.stream
        call.label = call.label or ask.user_id
        choice = choose(ask, request.headers, self._pace)
        call.scenario = choice.scenario.name
        reply = choice.scenario.reply(ScenarioCall(ask, choice.values, self._counter(ask)))
        return _plan_reply(ask, choice, reply, call.request_id or "")

    def _counter(self, ask: Ask) -> Callable[[], int]:
        said = "\0".join((ask.model, ask.user_id or "", ask.directive or "", ask.prompt))
        return lambda: self._ledger.earlier_calls(hashlib.sha256(said.encode()).hexdigest())

    def _refuse(self, refusal: ApiError, call: Call, exchange: Exchange) -> None:
        call.status = refusal.status
        self._ledger.close(call, "error")
        request_id = call.request_id or ""
        headers = (*api_headers(request_id, exhausted=refusal.status == 429), *refusal.headers, *_JSON_TYPE)
        exchange.answer(refusal.status, headers, error_body(refusal.type, refusal.message, request_id))

    def _play(self, plan: Plan, call: Call, exchange: Exchange) -> None:
        if plan.script.head:
            call.status = 200
            kind = _JSON_TYPE if call.stream is False else _STREAM_TYPE
            exchange.begin(200, (*api_headers(call.request_id or ""), *kind), plan.length)
        player = Player(
            plan.script,
            plan.pace,
            stamp=plan.stamp,
            pacer=self._pacer,
            exchange=exchange,
            ledger=self._ledger,
            call=call,
        )
        player.start()


def _plan_reply(ask: Ask, choice: Choice, reply: Reply, request_id: str) -> Plan:
    answer = within_limits(reply.answer, ask.max_tokens, ask.stop_sequences)
    envelope = Envelope(new_id("msg"), ask.model)
    pace = choice.pace()
    if reply.first_token_ms is not None:
        pace = replace(pace, first_token_ms=reply.first_token_ms)
    if ask.stream:
        script = reply.delivery.stream(message_frames(answer, envelope), request_id)
        return Plan(script, pace, None, stamp=choice.values.optional_count("stamp") == 1)
    body = message_body(answer, envelope)
    return Plan(reply.delivery.whole(body), _whole_pace(pace, answer.output_tokens), len(body), stamp=False)


def _whole_pace(pace: Pace, tokens: int) -> Pace:
    """A body comes when its last token would have come; its one frame is the first."""
    writing_ms = 1000 * tokens / pace.tokens_per_second if pace.tokens_per_second else 0.0
    return replace(pace, first_token_ms=pace.first_token_ms + writing_ms)
