"""One endpoint of the API: it notes the call, has it planned, refuses it or plays what was planned.

Invariant: every call is in the ledger before anything can refuse it, and leaves it closed. Does not know what any
path means, nor any scenario by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from simulator.choice import Pace
from simulator.delivery import Script
from simulator.errors import ApiError
from simulator.exchange import Exchange
from simulator.headers import api_headers, new_id
from simulator.http import Headers, HttpRequest
from simulator.ledger import Call, Ledger
from simulator.pacer import Pacer
from simulator.player import Player
from simulator.refusal import refuse

_STREAM_TYPE: Headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
_JSON_TYPE: Headers = (("content-type", "application/json"),)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be sent and when: events if it `streams`, else one JSON body."""

    script: Script
    pace: Pace
    streams: bool = False
    stamp: bool = False


Planner = Callable[[HttpRequest, Call], Plan]
"""Decides what is sent and notes in the call what it understood. Raises ApiError for a refusal."""


class Endpoint:
    """The app of one method of one path."""

    def __init__(self, ledger: Ledger, pacer: Pacer, plan: Planner) -> None:
        self._ledger = ledger
        self._pacer = pacer
        self._plan = plan

    def __call__(self, request: HttpRequest, exchange: Exchange) -> None:
        """Answer one call; a refusal is answered at once, all else is played."""
        call = self._ledger.open(request)
        call.label = _label(request)
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

    def _refuse(self, refusal: ApiError, call: Call, exchange: Exchange) -> None:
        request_id = call.request_id or ""
        call.status = refusal.status
        if refusal.odd is not None and not refusal.odd.of_api:
            call.request_id = None
        self._ledger.close(call, "error")
        refuse(exchange, refusal, request_id)

    def _play(self, plan: Plan, call: Call, exchange: Exchange) -> None:
        if plan.script.head:
            call.status = 200
            kind = _STREAM_TYPE if plan.streams else _JSON_TYPE
            length = None if plan.streams else plan.script.promised_length
            exchange.begin(200, (*api_headers(call.request_id or ""), *kind), length)
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


def _label(request: HttpRequest) -> str | None:
    """The caller's word for its call: a header, or in the query, which travels through whatever is in between."""
    in_query: list[str | None] = [*parse_qs(request.query).get("sim-label", [])]
    return request.headers.get("x-sim-label", (in_query or [None])[-1])
