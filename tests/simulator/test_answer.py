"""The limits of a request, on an answer of several blocks."""

import pytest

from simulator.answer import Answer, InputUsage, within_limits
from simulator.blocks import Text, Thinking, ToolUse, json_pieces

USED = InputUsage(10)
THINKING = Thinking(("one", " two", " three"), "signature")
TEXT = Text((" four", " five", " six"))
TOOL = ToolUse("toolu_1", "look", json_pieces({"at": "the sky, which is blue"}))


@pytest.mark.parametrize(
    ("max_tokens", "blocks"),
    [
        (2, (Thinking(("one", " two"), ""),)),
        (3, (THINKING,)),
        (4, (THINKING, Text((" four",)))),
    ],
)
def test_max_tokens_cut_in_any_block(max_tokens: int, blocks: tuple[Text | Thinking, ...]) -> None:
    """The answer ends at exactly max_tokens pieces, and opens no block without a piece."""
    answer = within_limits(Answer((THINKING, TEXT), USED), max_tokens, ())
    assert answer.blocks == blocks
    assert answer.stop_reason == "max_tokens"
    assert answer.output_tokens == max_tokens


def test_an_answer_that_fits_is_unchanged() -> None:
    """An answer of exactly max_tokens pieces is whole."""
    answer = Answer((THINKING, TEXT), USED)
    assert within_limits(answer, 6, ("seven",)) == answer


def test_a_tool_call_cut_short_has_no_input() -> None:
    """Half a JSON text is no input; the stop reason says that it was cut."""
    answer = within_limits(Answer((TOOL,), USED, "tool_use"), 2, ())
    assert answer.blocks[0].whole()["input"] == {}
    assert answer.stop_reason == "max_tokens"


def test_a_stop_sequence_across_pieces() -> None:
    """A stop sequence is found across the borders of pieces; nothing of it or behind it is said."""
    answer = within_limits(Answer((THINKING, TEXT, TOOL), USED, "tool_use"), 100, ("ve s", "six"))
    assert answer.blocks == (THINKING, Text((" four", " fi")))
    assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "ve s")


def test_a_stop_sequence_behind_max_tokens() -> None:
    """A stop sequence that max_tokens does not reach stops nothing."""
    assert within_limits(Answer((TEXT,), USED), 1, ("five",)).stop_reason == "max_tokens"


def test_an_empty_answer_costs_a_token() -> None:
    """The API counts an empty answer too."""
    assert Answer((), USED).output_tokens == 1
