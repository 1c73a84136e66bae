"""What a row of the scenario table is made of, and how the words of a request become its parameters.

Invariant: an unknown word, or a number out of bounds, is an error that says what is known; nothing is guessed.
Does not know the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from simulator.answer import Answer
from simulator.ask import Ask
from simulator.delivery import Delivery

Value = float | str | None


class WrongWords(ValueError):
    """A request named a scenario, a parameter or a value that does not exist."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a scenario: a number within bounds, or one of some words, or both."""

    meaning: str
    default: Value = None
    low: float = 0
    high: float = 0
    words: tuple[str, ...] = ()

    def read(self, name: str, text: str) -> Value:
        """The value of a text. Raises WrongWords."""
        if text in self.words:
            return text
        number = _number(text) if self._takes_numbers else None
        if number is None or not self.low <= number <= self.high:
            raise WrongWords(f"{name}: {text!r} is not {self.allowed()}")
        return number

    def allowed(self) -> str:
        """What `read` accepts, in words."""
        numbers = [f"a number from {self.low:,.0f} to {self.high:,.0f}"] if self._takes_numbers else []
        words = self.words if len(self.words) < 2 else (f"one of {', '.join(self.words)}",)
        return " or ".join([*numbers, *words])

    @property
    def _takes_numbers(self) -> bool:
        return self.high > self.low


@dataclass(frozen=True, slots=True)
class Values:
    """The parameters of one call, defaults included."""

    values: Mapping[str, Value]

    def number(self, name: str) -> float:
        """The value of a parameter that has a number."""
        value = self.values[name]
        assert isinstance(value, float | int), name
        return value

    def count(self, name: str) -> int:
        """The same, as a whole number."""
        return int(self.number(name))

    def optional_count(self, name: str) -> int | None:
        """The same, None without a default and without a request for it."""
        return None if self.values[name] is None else self.count(name)

    def word(self, name: str) -> str | None:
        """The value if it is a word."""
        value = self.values[name]
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a scenario decides: an answer and how it travels. A refusal is a raised ApiError."""

    answer: Answer
    delivery: Delivery = field(default_factory=Delivery)
    first_token_ms: float | None = None
    """Replaces the wait that the request or the process set."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a scenario looks at."""

    ask: Ask
    values: Values
    earlier_calls: Callable[[], int]
    """How many calls of the same conversation came before this one; it counts when it is called."""

    @property
    def events(self) -> int | None:
        """The number of text deltas that the request wants, None for as many as the text has."""
        return self.values.optional_count("events")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table. `primary` names the parameter that a value without a name belongs to."""

    name: str
    summary: str
    reply: Callable[[Call], Reply]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    primary: str | None = None


PACE_PARAMETERS: dict[str, Parameter] = {
    "first-token-ms": Parameter("wait before the first content, in ms", high=600_000),
    "tps": Parameter("deltas a second, 0 for no pace", high=100_000),
    "events": Parameter("number of text deltas", low=1, high=100_000),
    "stamp": Parameter("1: each text delta begins with `@<time.monotonic_ns()> `", 0, high=1),
}
"""What every scenario understands; a delta is a token here."""

_ALIASES = {"tokens-per-second": "tps", "tokens": "events"}


def parse_parameters(scenario: Scenario, text: str) -> dict[str, Value]:
    """Read `after-5-reset` or `after=5 reset`: names and values in any order, a bare name stands for 1.

    Raises WrongWords.
    """
    known = {**scenario.parameters, **PACE_PARAMETERS}
    words = _dashed(text)
    given: dict[str, Value] = {}
    while words:
        name, words = _leading_name(scenario, known, words, first=not given)
        value, words = ("1", words) if _starts_with_name(known, words) else _next_word(words)
        given[name] = known[name].read(name, value)
    return given


def split_scenario(table: Mapping[str, Scenario], text: str) -> tuple[Scenario, str]:
    """The scenario whose name begins the text, the longest one, and the rest. Raises WrongWords."""
    words = _dashed(text)
    name = _longest_prefix(table, words)
    if name is None:
        raise WrongWords(f"scenario {words!r} is none of: {', '.join(table)}")
    return table[name], words[len(name) + 1 :]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _dashed(text: str) -> str:
    """One spelling for `first_token_ms=0 tps=5` and `first-token-ms-0-tps-5`."""
    return "-".join(text.replace("=", " ").replace("_", "-").split())


def _longest_prefix(names: Mapping[str, object], words: str) -> str | None:
    found = [name for name in names if words == name or words.startswith(name + "-")]
    return max(found, key=len, default=None)


def _leading_name(scenario: Scenario, known: Mapping[str, Parameter], words: str, *, first: bool) -> tuple[str, str]:
    name = _longest_prefix({**known, **_ALIASES}, words)
    if name is not None:
        return _ALIASES.get(name, name), words[len(name) + 1 :]
    if first and scenario.primary is not None:
        return scenario.primary, words
    raise WrongWords(f"parameter {words!r} of {scenario.name!r} is none of: {', '.join(known)}")


def _starts_with_name(known: Mapping[str, Parameter], words: str) -> bool:
    return not words or _longest_prefix({**known, **_ALIASES}, words) is not None


def _next_word(words: str) -> tuple[str, str]:
    value, _, rest = words.partition("-")
    return value, rest
