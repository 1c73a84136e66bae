"""The exponent of a growth."""

import pytest

from bench.growth import exponent

SIZES = [1, 2, 4, 8]


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_a_power_is_found(power: float) -> None:
    """Whatever stands before it."""
    assert exponent(SIZES, [7 * size**power for size in SIZES]) == pytest.approx(power)


def test_a_fixed_part_hides_none_of_the_growth_above_it() -> None:
    """A cost of 10 + n is between none and linear."""
    assert 0 < exponent(SIZES, [10 + size for size in SIZES]) < 1
