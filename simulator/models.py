"""GET /v1/models and GET /v1/models/{id}: the catalogue in pages, and one of its rows.

Invariant: a page holds neighbours of the one order of the catalogue, so that pages put together are that order.
Does not know which models there are. Shapes: the types `ModelInfo` and `ModelListParams` of Claude's API.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote

from simulator.ask import Ask, read_ask
from simulator.catalogue import LIFECYCLES, MODELS, Model, found_model
from simulator.checks import check_caller
from simulator.choice import MODEL_PREFIX
from simulator.endpoint import Plan
from simulator.errors import ApiError
from simulator.http import HttpRequest
from simulator.ledger import Call, Ledger
from simulator.messages import AT_ONCE, Chosen, chosen, plan_body

PREFIX = "/v1/models/"
MAX_LIMIT = 1_000
_DEFAULT_LIMIT = 20
_DEFAULT_LIFECYCLES = ("active", "deprecated")
_ANY_MODEL = "claude"

Query = dict[str, list[str]]


class Models:
    """The planners of both endpoints."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def page(self, request: HttpRequest, call: Call) -> Plan:
        """The plan of a page of the list. Raises ApiError for a wrong limit, cursor or lifecycle."""
        check_caller(request)
        query = parse_qs(request.query, keep_blank_values=True)
        return plan_body(self._chosen(request, call, _ANY_MODEL), _page(query))

    def one(self, request: HttpRequest, call: Call) -> Plan:
        """The plan of one model; a `claude-sim-…` does what its scenario says."""
        check_caller(request)
        call.model = unquote(request.path.removeprefix(PREFIX))
        row = found_model(call.model)
        says_its_scenario = call.model.startswith(MODEL_PREFIX)
        return plan_body(self._chosen(request, call, call.model if says_its_scenario else _ANY_MODEL), row.info())

    def _chosen(self, request: HttpRequest, call: Call, model: str) -> Chosen:
        return chosen(self._ledger, _as_ask(model, parse_qs(request.query)), request, call, AT_ONCE)


def _as_ask(model: str, query: Query) -> Ask:
    """The words of a scenario, from `sim` in the query, as if a prompt had said them."""
    directive = f"[[sim:{query['sim'][-1]}]]" if "sim" in query else ""
    return read_ask({"model": model, "messages": [{"role": "user", "content": directive}]})


def _page(query: Query) -> dict[str, Any]:
    limit = _limit(query)
    before, after = _cursor(query, "before_id"), _cursor(query, "after_id")
    if before is not None and after is not None:
        raise ApiError(400, "Only one of `before_id` and `after_id` may be given")
    listed = _listed(query, MODELS[:before] if before is not None else MODELS[0 if after is None else after + 1 :])
    rows = listed[-limit:] if before is not None else listed[:limit]
    return {
        "data": [row.info() for row in rows],
        "has_more": len(listed) > limit,
        "first_id": rows[0].id if rows else None,
        "last_id": rows[-1].id if rows else None,
    }


def _limit(query: Query) -> int:
    text = query.get("limit", [str(_DEFAULT_LIMIT)])[-1]
    try:
        limit = int(text)
    except ValueError as error:
        wanted = "Input should be a valid integer, unable to parse string as an integer"
        raise ApiError(400, f"limit: {wanted}") from error
    if limit < 1:
        raise ApiError(400, "limit: Input should be greater than or equal to 1")
    if limit > MAX_LIMIT:
        raise ApiError(400, f"limit: Input should be less than or equal to {MAX_LIMIT}")
    return limit


def _cursor(query: Query, name: str) -> int | None:
    """Where in the catalogue the model stands that the query names."""
    if name not in query:
        return None
    for index, row in enumerate(MODELS):
        if row.id == query[name][-1]:
            return index
    raise ApiError(400, f"{name}: {query[name][-1]!r} is not the id of a model")


def _listed(query: Query, rows: tuple[Model, ...]) -> list[Model]:
    wanted = query.get("lifecycle[]") or query.get("lifecycle") or _DEFAULT_LIFECYCLES
    for index, word in enumerate(wanted):
        if word not in LIFECYCLES:
            raise ApiError(400, f"lifecycle.{index}: Input should be 'active', 'deprecated' or 'retired'")
    return [row for row in rows if row.lifecycle in wanted]
