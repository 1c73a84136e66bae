"""gateway/patience.py: what a client says of its own timeout."""

import math

import pytest
from starlette.datastructures import Headers

from gateway.patience import patience_s


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("600", 600.0),
        ("2.5", 2.5),
        ("NOT_GIVEN", math.inf),
        ("", math.inf),
        ("0", math.inf),
        ("0.00001", 1.0),
        ("-1", math.inf),
        ("nan", math.inf),
        ("inf", math.inf),
    ],
)
def test_a_timeout_is_taken_if_it_is_one(said: str, seconds: float) -> None:
    """What is no number of seconds is no limit."""
    assert patience_s(Headers({"x-stainless-timeout": said})) == seconds


def test_who_says_nothing_waits() -> None:
    """curl, and most others."""
    assert patience_s(Headers()) == math.inf
