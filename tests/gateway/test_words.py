"""gateway/words.py: Claude's events as words, and words as an EventSource reads them."""

import json

import pytest

from gateway.words import BareText, TextEvents, failed_at_once, heard, sentence
from streamlog.errors import InternalError
from tests.support import said
from tests.support.event_source import EventSourceParser

JOB = "job_" + "x" * 22


def _chunk(*events: bytes) -> bytes:
    return b"".join(b"id: %s:7-%d\n%s" % (JOB.encode(), number, event) for number, event in enumerate(events, 1))


def _parsed(data: bytes) -> EventSourceParser:
    parser = EventSourceParser()
    parser.feed(data.decode())
    return parser


def test_text_is_heard_and_nothing_else() -> None:
    """Thoughts and tools are not words; the id is that of the last frame with words."""
    thought = said.event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": '"text_delta"'})
    chunk = heard(_chunk(said.start(), said.text("a\n"), thought, said.text("é"), said.PING, said.STOP))
    assert (chunk.pieces, chunk.last_id, chunk.error) == ([("a\né", f"{JOB}:7-4")], f"{JOB}:7-6", None)


def test_a_long_answer_is_told_in_pieces() -> None:
    """Each with its own position; an answer of small words is not one event a word."""
    pieces = heard(_chunk(*[said.text("x" * 100)] * 25)).pieces
    assert [(len(text), event_id) for text, event_id in pieces] == [
        (1000, f"{JOB}:7-10"),
        (1000, f"{JOB}:7-20"),
        (500, f"{JOB}:7-25"),
    ]


def test_an_error_is_heard_when_it_is_last() -> None:
    """With the words before it."""
    chunk = heard(_chunk(said.text("a"), said.error()))
    assert chunk.pieces == [("a", f"{JOB}:7-1")]
    assert json.loads(chunk.error or b"")["error"]["message"] == "Overloaded"


def test_events_that_end_their_lines_with_a_carriage_return() -> None:
    """As some middle boxes send them."""
    chunk = heard(_chunk(said.text("a b").replace(b"\n", b"\r\n"), said.error().replace(b"\n", b"\r\n")))
    assert (chunk.pieces[0][0], json.loads(chunk.error or b"")["type"]) == ("a b", "error")


@pytest.mark.parametrize(
    "text", ["a", " a", "  a ", "a\nb", "\n", "\n\n a\n", "a: b", "data: x", ":", "\u2028", "[DONE]"]
)
def test_what_is_said_is_what_an_event_source_reads(text: str) -> None:
    """Newlines and leading spaces survive, and Claude's own [DONE] is no end."""
    parser = _parsed(TextEvents().said(text, f"{JOB}:7-1") + TextEvents().said("z", f"{JOB}:7-2"))
    assert parser.text == text + "z"
    assert not parser.done
    assert parser.last_id == f"{JOB}:7-2"


def test_a_carriage_return_is_no_second_line_end() -> None:
    """Also where it is parted from its line feed."""
    assert _parsed(TextEvents().said("a\r\nb\r", "1") + TextEvents().said("\nc", "2")).text == "a\nb\nc"


def test_a_greeting_is_remembered_and_not_shown() -> None:
    """Whoever is cut off before the first word resumes the same job."""
    parser = _parsed(TextEvents().greeting(f"{JOB}:0-0"))
    assert (parser.messages, parser.last_id, parser.retry_ms) == ([], f"{JOB}:0-0", 1000)
    assert _parsed(TextEvents.ping + TextEvents().said("a", "1")).messages == [("message", "a", "1")]


def test_an_error_is_words_and_an_event() -> None:
    """`onmessage` shows the sentence before `onerror`, which may close, has the body; then comes the end."""
    body = InternalError("upstream_cut").body("req_1")
    parser = _parsed(TextEvents().failed(body, "req_2") + TextEvents().ended(f"{JOB}:8-1"))
    told = "\n\n[error: The upstream broke off before its answer was complete. (request req_1)]\n"
    assert parser.messages == [("message", told, ""), ("error", body.decode(), ""), ("message", "[DONE]", f"{JOB}:8-1")]
    assert BareText().failed(body, "req_2").decode() == told


def test_a_stream_that_is_only_an_error_is_not_asked_again() -> None:
    """Its id says that nothing is left."""
    parser = _parsed(failed_at_once(InternalError("queue_full"), "req_1"))
    assert parser.done and parser.last_id == "end"


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b'{"error": 1}'])
def test_an_error_without_words_has_some(body: bytes) -> None:
    """And the request's id."""
    assert sentence(body, "req_1") == "\n\n[error: The answer broke off. (request req_1)]\n"
