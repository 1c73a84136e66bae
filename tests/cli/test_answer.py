import json

import pytest

from cli.answer import Answer, AnswerError, described


def _take(answer: Answer, name: str, **fields: object) -> str:
    return answer.take(name, json.dumps({"type": name, **fields}))


def test_text_comes_from_text_deltas_only() -> None:
    """Thinking and tool input are content, but no text of the answer."""
    answer = Answer()
    assert _take(answer, "content_block_start", content_block={"type": "text", "text": ""}) == ""
    assert not answer.begun
    assert _take(answer, "content_block_delta", delta={"type": "thinking_delta", "thinking": "hm"}) == ""
    assert answer.begun
    assert _take(answer, "content_block_delta", delta={"type": "text_delta", "text": "Hi"}) == "Hi"
    assert _take(answer, "content_block_delta", delta={"type": "input_json_delta", "partial_json": "{"}) == ""


def test_half_a_character_is_shown_as_a_sign() -> None:
    """JSON can name one half of a pair; no terminal and no file could take it."""
    assert _take(Answer(), "content_block_delta", delta={"type": "text_delta", "text": "a\ud800b"}) == "a?b"


def test_it_is_complete_only_after_message_stop() -> None:
    """A stop reason alone is no end."""
    answer = Answer()
    _take(answer, "message_delta", delta={"stop_reason": "end_turn"})
    assert not answer.complete
    _take(answer, "message_stop")
    assert answer.complete


def test_tokens_are_the_last_sums_reported() -> None:
    """Cached input counts; what a later report leaves out or calls null stays as it was."""
    answer = Answer()
    usage = {"input_tokens": 100, "cache_read_input_tokens": 80, "cache_creation_input_tokens": 7, "output_tokens": 1}
    _take(answer, "message_start", message={"usage": usage})
    _take(answer, "message_delta", usage={"output_tokens": 20, "input_tokens": None})
    _take(answer, "message_delta", usage={"output_tokens": 142})
    assert (answer.tokens_in, answer.tokens_out) == (187, 142)


@pytest.mark.parametrize(("reason", "early"), [("end_turn", None), ("stop_sequence", None), ("refusal", "refusal")])
def test_an_early_stop_is_known(reason: str, early: str | None) -> None:
    """An answer that was not finished must not look like one that was."""
    answer = Answer()
    _take(answer, "message_delta", delta={"stop_reason": reason})
    assert answer.stopped_early == early


def test_an_error_event_is_an_exception() -> None:
    """With the server's own words, and the request for those who are asked for help."""
    with pytest.raises(AnswerError, match=r"^overloaded_error: Overloaded \(request req_1\)$"):
        _take(Answer(), "error", error={"type": "overloaded_error", "message": "Overloaded"}, request_id="req_1")


@pytest.mark.parametrize("name", ["ping", "message", "something_new"])
def test_what_is_not_known_is_passed_over(name: str) -> None:
    """Claude may add events at any time, of any form."""
    assert Answer().take(name, "not json") == ""


@pytest.mark.parametrize("data", ["", "{", "[1]"])
def test_data_that_is_no_object_is_an_error(data: str) -> None:
    """Text must not be lost in silence."""
    with pytest.raises(AnswerError, match="no JSON object"):
        Answer().take("content_block_delta", data)


def test_an_error_without_words_is_still_one() -> None:
    """Whatever stands between may have its own ideas of an error."""
    assert described({"error": "nope"}) == "the server reported an error without saying which"
    assert described({"error": {}}) == "error: no message"
