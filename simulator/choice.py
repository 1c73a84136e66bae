"""Which scenario answers a call, with which parameters, at which pace.

Order: a directive in the prompt names the scenario before the model name does; of a parameter, what the directive
or the model name says comes before a header, a header before the scenario's default, that before the process's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.ask import Ask
from simulator.checks import check_model
from simulator.errors import ApiError
from simulator.scenario import (
    PACE_PARAMETERS,
    Scenario,
    Value,
    Values,
    WrongWords,
    parse_parameters,
    split_scenario,
)
from simulator.scenarios import DEFAULT, SCENARIOS

MODEL_PREFIX = "claude-sim-"
PACE_HEADERS = {
    "x-sim-first-token-ms": "first-token-ms",
    "x-sim-tokens-per-second": "tps",
    "x-sim-events": "events",
    "x-sim-stamp": "stamp",
}


@dataclass(frozen=True, slots=True)
class Pace:
    """When deltas are due: the first after `first_token_ms`, then `tokens_per_second` of them (0: at once)."""

    first_token_ms: float = 300.0
    tokens_per_second: float = 60.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A row of the table and its parameters."""

    scenario: Scenario
    values: Values

    def pace(self) -> Pace:
        """The pace of this call."""
        return Pace(self.values.number("first-token-ms"), self.values.number("tps"))


def choose(ask: Ask, headers: Mapping[str, str], pace: Pace) -> Choice:
    """Raises ApiError: 404 for a model that does not exist, 400 for wrong words elsewhere."""
    check_model(ask.model)
    scenario, words = _named(ask)
    values: dict[str, Value] = {"first-token-ms": pace.first_token_ms, "tps": pace.tokens_per_second}
    known = {**PACE_PARAMETERS, **scenario.parameters}
    values = {name: parameter.default for name, parameter in known.items()} | values
    return Choice(scenario, Values(values | _from_headers(headers) | words))


def _named(ask: Ask) -> tuple[Scenario, dict[str, Value]]:
    if ask.directive is not None:
        return _parsed(ask.directive, status=400, where="[[sim:…]]: ")
    if ask.model.startswith(MODEL_PREFIX):
        return _parsed(ask.model.removeprefix(MODEL_PREFIX), status=404, where=f"model: {ask.model}: ")
    return DEFAULT, {}


def _parsed(text: str, *, status: int, where: str) -> tuple[Scenario, dict[str, Value]]:
    try:
        scenario, rest = split_scenario(SCENARIOS, text)
        return scenario, parse_parameters(scenario, rest)
    except WrongWords as error:
        raise ApiError(status, f"{where}{error}") from error


def _from_headers(headers: Mapping[str, str]) -> dict[str, Value]:
    given: dict[str, Value] = {}
    for header, name in PACE_HEADERS.items():
        if header not in headers:
            continue
        try:
            given[name] = PACE_PARAMETERS[name].read(header, headers[header])
        except WrongWords as error:
            raise ApiError(400, str(error)) from error
    return given
