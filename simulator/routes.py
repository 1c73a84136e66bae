"""Which request goes where, and an answer in the API's shape for every request that goes nowhere.

Invariant: one table says every path and method. Does not know what a message is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import parse_qs

import msgspec

from simulator.choice import Pace
from simulator.connection import App
from simulator.endpoint import Endpoint, Planner
from simulator.errors import ApiError
from simulator.exchange import Exchange
from simulator.headers import new_id
from simulator.http import Headers, HttpRequest
from simulator.ledger import MAX_CALLS, Ledger
from simulator.messages import Messages
from simulator.models import PREFIX, Models
from simulator.pacer import Pacer
from simulator.refusal import refuse

_LOG = logging.getLogger(__name__)
_JSON: Headers = (("content-type", "application/json"),)
_DEFAULT_LIMIT = 100

Json = object
Page = Callable[[HttpRequest], Json]


class Routes:
    """The app of every connection: it answers each request, or has it played."""

    def __init__(self, ledger: Ledger, pace: Pace) -> None:
        calls, pacer = _Calls(ledger), Pacer()
        messages, models = Messages(ledger, pace), Models(ledger)

        def app(plan: Planner) -> App:
            return Endpoint(ledger, pacer, plan)

        self._table: dict[str, dict[str, App]] = {
            "/v1/messages": {"POST": app(messages.answer)},
            "/v1/messages/count_tokens": {"POST": app(messages.count)},
            "/v1/models": _both(app(models.page)),
            f"{PREFIX}{{id}}": _both(app(models.one)),
            "/api/hello": _readable(lambda request: {"message": "hello"}),
            "/healthz": _readable(lambda request: {"status": "ok"}),
            "/simulator/calls": {**_readable(calls.newest), "DELETE": _page(calls.reset)},
            "/simulator/calls/open": _readable(calls.open),
        }

    def __call__(self, request: HttpRequest, exchange: Exchange) -> None:
        """Answer one request. What a handler raises becomes an error in the API's shape."""
        try:
            self._handler(request)(request, exchange)
        except ApiError as error:
            refuse(exchange, error, new_id("req"))
        except Exception:
            _LOG.exception("%s %s failed", request.method, request.path)
            if exchange.begun:
                exchange.close()
            else:
                refuse(exchange, ApiError(500), new_id("req"))

    def _handler(self, request: HttpRequest) -> App:
        name = request.path.removeprefix(PREFIX)
        one_model = request.path.startswith(PREFIX) and name != "" and "/" not in name
        methods = self._table.get(f"{PREFIX}{{id}}" if one_model else request.path)
        if methods is None:
            raise ApiError(404)
        if request.method not in methods:
            raise ApiError(405, headers=(("allow", ", ".join(methods)),))
        return methods[request.method]


class _Calls:
    """The ledger's pages."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def newest(self, request: HttpRequest) -> Json:
        query = parse_qs(request.query)
        limit = query.get("limit", [str(_DEFAULT_LIMIT)])[-1]
        if not limit.isdecimal() or not 1 <= int(limit) <= MAX_CALLS:
            raise ApiError(400, f"limit: {limit!r} is not a number from 1 to {MAX_CALLS}")
        return self._ledger.newest(int(limit), query.get("label", [None])[-1])

    def open(self, request: HttpRequest) -> Json:
        return {"count": self._ledger.open_count}

    def reset(self, request: HttpRequest) -> Json:
        return {"deleted": self._ledger.reset()}


def _both(app: App) -> dict[str, App]:
    return {"GET": app, "HEAD": app}


def _readable(page: Page) -> dict[str, App]:
    return _both(_page(page))


def _page(page: Page) -> App:
    return lambda request, exchange: exchange.answer(200, _JSON, msgspec.json.encode(page(request)))
