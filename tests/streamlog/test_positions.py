"""Positions and event ids: what is printed is read back, and nothing else is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlog.jobs import new_job_id
from streamlog.positions import EventId, MalformedPosition, Position

POSITIONS = st.builds(Position, st.integers(0, 10**16 - 1), st.integers(0, 10**10 - 1))
JOB_IDS = st.text("abcXYZ012_-", min_size=22, max_size=22).map("job_".__add__)


@given(POSITIONS)
def test_a_position_is_read_as_it_was_printed(position: Position) -> None:
    """Printing and parsing are inverse."""
    assert Position.parse(str(position)) == position


@given(st.builds(EventId, JOB_IDS, POSITIONS))
def test_an_event_id_is_read_as_it_was_printed(event_id: EventId) -> None:
    """Printing and parsing are inverse, whatever the job id is made of."""
    assert EventId.parse(str(event_id)) == event_id


@given(st.text(max_size=40) | st.from_regex(r"[0-9 +-]{0,12}-[0-9 +-]{0,12}"))
def test_whatever_is_read_prints_as_it_came(text: str) -> None:
    """A text is a position in one spelling only, or it is refused by its own error."""
    try:
        assert str(Position.parse(text)) == text
    except MalformedPosition as error:
        assert repr(text[:80]) in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "-",
        "1-",
        "-1",
        "1-2-3",
        "1--2",
        "01-2",
        "1-02",
        "+1-2",
        "1-2\n",
        " 1-2",
        "1_0-2",
        "١-٢",
        "a-b",
        "1" * 17 + "-1",
    ],
)
def test_a_malformed_position_is_refused(text: str) -> None:
    """Signs, spaces, leading zeros, other digits and numbers too large to be ours are no positions."""
    with pytest.raises(MalformedPosition):
        Position.parse(text)


@pytest.mark.parametrize(
    "text", ["", "job_short:1-2", "1-2", ":1-2", "{job}", "{job}:", "{job}:1", "{job}:1-2\n", "x{job}:1-2"]
)
def test_a_malformed_event_id_is_refused(text: str) -> None:
    """A job id that is not ours, or a position that is none, is no event id."""
    with pytest.raises(MalformedPosition):
        EventId.parse(text.format(job=new_job_id()))


def test_positions_are_ordered_by_attempt_and_then_by_number() -> None:
    """A later attempt stands after every frame of an earlier one."""
    assert sorted([Position(2, 1), Position(1, 9), Position(1, 10)]) == [
        Position(1, 9),
        Position(1, 10),
        Position(2, 1),
    ]


def test_a_refusal_quotes_little_of_a_long_text() -> None:
    """An error message does not carry a megabyte back to whoever sent it."""
    with pytest.raises(MalformedPosition) as refused:
        Position.parse("x" * 1_000_000)
    assert len(str(refused.value)) < 200
