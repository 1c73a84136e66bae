"""Blocks: their deltas add up to their whole form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.blocks import Text, Thinking, ToolUse, json_pieces, pieces_of


@given(st.text())
def test_pieces_add_up(text: str) -> None:
    """Whatever the text, its pieces are that text."""
    assert "".join(pieces_of(text)) == text


def test_pieces_are_like_tokens() -> None:
    """A word takes its space along, a long word comes in parts."""
    assert pieces_of("The sky is unbelievably blue.\n") == ("The", " sky", " is", " unbelie", "vably", " blue.", "\n")


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()))
def test_tool_input_adds_up(given: dict[str, object]) -> None:
    """The parts of a tool's input are its JSON."""
    use = ToolUse("toolu_1", "look", json_pieces(given))
    assert use.whole()["input"] == given
    assert "".join(delta["partial_json"] for delta in use.deltas()) == "".join(use.pieces)


def test_claude_begins_tool_input_with_nothing() -> None:
    """The first part of a tool's input is empty, as the API's is."""
    assert json_pieces({"a": 1}) == ("", '{"a":1}')


def test_citations_follow_the_text() -> None:
    """A cited text opens with an empty list, and its citations come behind its last piece."""
    text = Text(("a", "b"), ({"type": "char_location"},))
    assert text.opening()["citations"] == []
    assert [delta["type"] for delta in text.deltas()] == ["text_delta", "text_delta", "citations_delta"]
    assert text.first(1) == Text(("a",))


@pytest.mark.parametrize(
    ("shown", "kinds"), [(True, ["thinking_delta", "signature_delta"]), (False, ["signature_delta"])]
)
def test_thinking_ends_with_its_signature(shown: bool, kinds: list[str]) -> None:
    """The signature comes last, and alone if the thinking is not shown."""
    assert [delta["type"] for delta in Thinking(("a",), "s", shown).deltas()] == kinds


def test_thinking_cut_short_is_not_signed() -> None:
    """A thought that did not end has no signature."""
    assert [delta["type"] for delta in Thinking(("a", "b"), "s").first(1).deltas()] == ["thinking_delta"]
