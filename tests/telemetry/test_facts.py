"""The facts that other rooms announce."""

import dataclasses
from typing import get_args

import pytest

from telemetry import facts
from telemetry.rules import RULES

KINDS = get_args(facts.Fact)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fact_cannot_be_changed_once_announced(kind: type) -> None:
    """Facts are frozen and have slots."""
    assert dataclasses.is_dataclass(kind)
    assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]  # dataclasses do not type it
    assert "__slots__" in vars(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fact_says_who_announces_it(kind: type) -> None:
    """Each docstring begins with the room, or rooms, that announce the fact."""
    assert kind.__doc__ is not None
    assert kind.__doc__.startswith(("Gateway", "Worker"))


def test_every_fact_has_exactly_one_rule() -> None:
    """No fact is announced in vain and no rule waits for a fact that does not exist."""
    assert set(RULES) == set(KINDS)
