"""How words become parameters, with one spelling for model names and another for directives."""

import pytest

from simulator.scenario import Scenario, Value, WrongWords, parse_parameters, split_scenario
from simulator.scenarios import SCENARIOS


def parsed(text: str) -> tuple[str, dict[str, Value]]:
    scenario, rest = split_scenario(SCENARIOS, text)
    return scenario.name, parse_parameters(scenario, rest)


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("cut", "cut", {}),
        ("cut-after-5", "cut", {"after": 5}),
        ("cut after=5", "cut", {"after": 5}),
        ("cut-5", "cut", {"after": 5}),
        ("cut-5-reset", "cut", {"after": 5, "reset": 1}),
        ("cut-before-headers", "cut", {"before": "headers"}),
        ("cut reset after=5", "cut", {"reset": 1, "after": 5}),
        ("error-529", "error", {"status": "529"}),
        ("error-529-then-ok", "error", {"status": "529", "then-ok": 1}),
        ("error 500 then_ok=3", "error", {"status": "500", "then-ok": 3}),
        ("error-429-retry-after-none", "error", {"status": "429", "retry-after": "none"}),
        ("error-mid-stream-7", "error-mid-stream", {"after": 7}),
        ("error-first", "error-first", {}),
        ("slow-first-token-1500", "slow-first-token", {"ms": 1500}),
        ("text tokens=400 first_token_ms=0 tps=1000", "text", {"events": 400, "first-token-ms": 0, "tps": 1000}),
        ("text-tokens-per-second-0.5", "text", {"tps": 0.5}),
        ("  text   events=3 ", "text", {"events": 3}),
    ],
)
def test_words(text: str, name: str, values: dict[str, Value]) -> None:
    """A scenario and its parameters are read from a model name or a directive."""
    assert parsed(text) == (name, values)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "none of: answer, text"),
        ("nonsense", "scenario 'nonsense' is none of"),
        ("cutter", "scenario 'cutter' is none of"),
        ("text-7", "parameter '7' of 'text' is none of"),
        ("cut after=x", "after: 'x' is not a number from 0 to"),
        ("cut-after--5", "after: '' is not a number"),
        ("cut before=lunch", "before: 'lunch' is not one of headers, content"),
        ("cut before", "before: '1' is not one of headers, content"),
        ("cut before=0", "before: '0' is not one of headers, content"),
        ("error 418", "status: '418' is not one of 400, 401,"),
        ("text events=0", "events: '0' is not a number from 1 to"),
        ("text tps=nan", "tps: 'nan' is not a number from 0 to"),
        ("cut-5-6", "parameter '6' of 'cut' is none of"),
    ],
)
def test_wrong_words(text: str, says: str) -> None:
    """A word that means nothing is an error that says what would."""
    with pytest.raises(WrongWords) as caught:
        parsed(text)
    assert says in str(caught.value)


def test_no_name_hides_another() -> None:
    """No scenario's name is read as another scenario with a parameter."""
    for name in SCENARIOS:
        assert parsed(name) == (name, {})


def test_primary_parameters_exist() -> None:
    """A value without a name belongs to a parameter of its row."""
    rows: list[Scenario] = list(SCENARIOS.values())
    assert all(row.primary in row.parameters for row in rows if row.primary is not None)
