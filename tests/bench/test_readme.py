"""The page that keeps the figures."""

import pytest

from bench.readme import README, with_figures


def test_figures_replace_those_before_and_nothing_else() -> None:
    """Written twice, the page holds only the second figures, between the same words as ever."""
    page = README.read_text()
    once, twice = with_figures(page, "first"), with_figures(with_figures(page, "first"), "second")
    assert "\nsecond\n" in twice
    assert "\nfirst\n" not in twice
    assert once.replace("\nfirst\n", "\nsecond\n") == twice


def test_a_page_without_markers_is_refused() -> None:
    """Figures are never written to a place that nobody chose."""
    with pytest.raises(ValueError, match="the page needs the lines"):
        with_figures("# A page\n", "any")
