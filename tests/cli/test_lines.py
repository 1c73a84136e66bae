import itertools

from hypothesis import given
from hypothesis import strategies as st

from cli.lines import Lines

_TEXT = "first\n\nthird ünï\r\nfourth \N{LINE SEPARATOR} still\nlast".encode()
_LINES = ["first", "", "third ünï", "fourth \N{LINE SEPARATOR} still", "last"]


@given(st.lists(st.integers(0, len(_TEXT)), max_size=20))
def test_any_split_of_the_bytes_gives_the_same_lines(cuts: list[int]) -> None:
    """Only line feeds end lines, wherever the reads end."""
    lines = Lines()
    edges = [0, *sorted(cuts), len(_TEXT)]
    taken = [line for a, b in itertools.pairwise(edges) for line in lines.feed(_TEXT[a:b])]
    assert taken + lines.rest() == _LINES


def test_a_line_that_is_too_long_is_cut_and_says_so() -> None:
    """What is beyond the limit is left out, the next line is whole again."""
    lines = Lines(most=5)
    assert lines.feed(b"123") == []
    assert lines.feed(b"456789" * 100) == []
    assert lines.feed(b"x\nshort\n") == ["12345…", "short"]


def test_a_line_of_exactly_the_limit_is_whole() -> None:
    """The limit itself is no cut."""
    assert Lines(most=5).feed(b"12345\n") == ["12345"]


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    """No byte can end the relay."""
    assert Lines().feed(b"a\xffb\n") == ["a\N{REPLACEMENT CHARACTER}b"]


def test_there_is_no_rest_after_a_whole_line() -> None:
    """An output that ends with a line end has no empty line after it."""
    lines = Lines()
    lines.feed(b"whole\n")
    assert lines.rest() == []
