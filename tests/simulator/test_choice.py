"""Which scenario and which pace a call gets, from its model, its prompt and its headers."""

import pytest

from simulator.choice import Choice, Pace, choose
from simulator.errors import ApiError
from tests.simulator.calls import ask

USUAL = Pace(first_token_ms=300, tokens_per_second=60)


def chosen(prompt: str = "Why?", model: str = "claude-sonnet-5", headers: dict[str, str] | None = None) -> Choice:
    return choose(ask(prompt, model=model), headers or {}, USUAL)


def test_any_claude_answers_as_a_model_would() -> None:
    """A model of any `claude` name gets the usual answer at the usual pace."""
    choice = chosen(model="claude-of-next-year")
    assert choice.scenario.name == "answer"
    assert choice.pace() == USUAL


def test_a_model_name_picks_a_scenario() -> None:
    """`claude-sim-<scenario>` picks it, parameters included."""
    choice = chosen(model="claude-sim-cut-after-9-tps-5")
    assert choice.scenario.name == "cut"
    assert choice.values.count("after") == 9
    assert choice.pace() == Pace(300, 5)


def test_a_directive_comes_before_the_model() -> None:
    """A directive in the prompt wins over the model name."""
    assert chosen("Hello [[sim:empty]]", model="claude-sim-long").scenario.name == "empty"


def test_headers_set_the_pace() -> None:
    """The x-sim headers replace the pace of the process."""
    headers = {"x-sim-first-token-ms": "5", "x-sim-tokens-per-second": "0", "x-sim-events": "7", "x-sim-stamp": "1"}
    choice = chosen(headers=headers)
    assert choice.pace() == Pace(5, 0)
    assert (choice.values.count("events"), choice.values.count("stamp")) == (7, 1)


def test_a_directive_comes_before_headers() -> None:
    """What the prompt says about pace wins over a header."""
    assert chosen("[[sim:text tps=9]]", headers={"x-sim-tokens-per-second": "0"}).pace().tokens_per_second == 9


@pytest.mark.parametrize(
    ("prompt", "headers", "says"),
    [
        ("[[sim:nonsense]]", {}, "scenario 'nonsense' is none of"),
        ("[[sim:text tps=fast]]", {}, "tps: 'fast' is not a number"),
        ("Why?", {"x-sim-tokens-per-second": "-1"}, "x-sim-tokens-per-second: '-1' is not a number"),
    ],
)
def test_wrong_words_are_refused(prompt: str, headers: dict[str, str], says: str) -> None:
    """A directive or header that means nothing is a 400, never a guess."""
    with pytest.raises(ApiError) as caught:
        chosen(prompt, headers=headers)
    assert caught.value.status == 400
    assert says in caught.value.message
