"""Percentiles by nearest rank, and the spread of rounds."""

from bench.figures import Spread, percentile


def test_percentile_is_a_sample_that_so_many_do_not_exceed() -> None:
    """Of 1 to 100 in any order, p50 is 50 and p99 is 99."""
    samples = [*range(100, 50, -1), *range(1, 51)]
    assert (percentile(samples, 0.50), percentile(samples, 0.99)) == (50, 99)


def test_percentile_of_few_samples_is_one_of_them() -> None:
    """The p99 of three samples is the largest, the p0 the smallest."""
    assert (percentile([3, 1, 2], 0.99), percentile([3, 1, 2], 0.0)) == (3, 1)


def test_spread_is_median_and_ends() -> None:
    """One round that met a stall moves the spread, not the median."""
    assert Spread.of([2.0, 90.0, 1.0]) == Spread(2.0, 1.0, 90.0)
