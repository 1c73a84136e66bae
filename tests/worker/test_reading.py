"""worker/reading.py: nothing is released before content, and only `message_stop` makes a stream complete."""

import pytest

from streamlog.errors import UpstreamError
from tests.support import said
from tests.support.said import BLOCK, BLOCK_END, PING, STOP
from worker.reading import Reading

HELLO, WORLD = said.text("Hello"), said.text(" world")


def test_nothing_is_released_before_content() -> None:
    """`message_start`, the beginning of a block and pings are held, read by read."""
    reading = Reading()
    assert [reading.feed(read) for read in (said.start(), PING, BLOCK)] == [[], [], []]
    assert not reading.begun


@pytest.mark.parametrize("content", [HELLO, BLOCK_END, said.delta(output_tokens=1), STOP, said.event("new_kind")])
def test_what_was_held_goes_first_with_the_first_content(content: bytes) -> None:
    """Any event that is not among the three that may come before content begins it, one of an unknown name too."""
    reading = Reading()
    reading.feed(said.start() + BLOCK)
    assert reading.feed(content) == [said.start(), BLOCK, content]
    assert reading.begun


def test_held_events_are_released_once() -> None:
    """After the first content each read gives its own events only."""
    reading = Reading()
    reading.feed(said.start())
    reading.feed(HELLO)
    assert reading.feed(WORLD) == [WORLD]


def test_everything_in_one_read_comes_out_in_order() -> None:
    """A read that holds the whole answer gives the whole answer."""
    assert Reading().feed(b"".join(said.answer("a", "b"))) == said.answer("a", "b")


def test_pings_are_events_like_any_other() -> None:
    """They are no content, so they wait for it; then they stand where Claude sent them."""
    reading = Reading()
    assert reading.feed(said.start() + PING) == []
    assert reading.feed(HELLO + PING) == [said.start(), PING, HELLO, PING]


def test_message_stop_completes_and_nothing_after_it_is_taken() -> None:
    """What an upstream sends behind its last event is not part of the answer."""
    reading = Reading()
    assert reading.feed(said.start() + HELLO + STOP + WORLD + said.error()) == [said.start(), HELLO, STOP]
    assert reading.complete
    assert reading.error is None


def test_a_stream_is_not_complete_before_message_stop() -> None:
    """Neither `message_delta` with its stop reason nor the end of a block completes a stream."""
    reading = Reading()
    reading.feed(b"".join(said.answer("a")[:-1]))
    assert not reading.complete


def test_an_error_before_content_releases_nothing() -> None:
    """Its data is kept for the refusal, and the call may be repeated unseen."""
    reading = Reading()
    assert reading.feed(said.start() + BLOCK + said.error("overloaded_error", "Overloaded")) == []
    assert reading.error == b'{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'
    assert not reading.begun


def test_an_error_after_content_releases_what_came_before_it() -> None:
    """The error itself and what follows are not frames of the answer."""
    reading = Reading()
    reading.feed(said.start() + HELLO)
    assert reading.feed(WORLD + said.error() + STOP) == [WORLD]
    assert reading.error is not None
    assert not reading.complete


def test_an_unnamed_error_is_an_error() -> None:
    """A `data:` line alone, which the SDK does not see, is read by its type."""
    reading = Reading()
    reading.feed(b'data: {"type": "error", "error": {"type": "api_error", "message": "x"}}\n\n')
    assert reading.error == b'{"type": "error", "error": {"type": "api_error", "message": "x"}}'


def test_usage_is_merged_and_later_figures_replace_earlier_ones() -> None:
    """Cache figures of `message_start` stay, output tokens are those of the last `message_delta`."""
    reading = Reading()
    reading.feed(
        said.start(input_tokens=7, output_tokens=1, cache_read_input_tokens=5, cache_creation_input_tokens=3) + HELLO
    )
    assert not reading.usage_final
    reading.feed(said.delta(output_tokens=4) + said.delta(output_tokens=9, input_tokens=None))
    assert reading.usage_final
    assert reading.usage == {
        "input_tokens": 7,
        "output_tokens": 9,
        "cache_read_input_tokens": 5,
        "cache_creation_input_tokens": 3,
    }


@pytest.mark.parametrize(
    "strange",
    [
        b"event: message_start\ndata: not json\n\n",
        b'event: message_start\ndata: {"type": "message_start"}\n\n',
        b'event: message_start\ndata: {"message": {"usage": null}}\n\n',
        b"event: message_delta\ndata: [1]\n\n",
    ],
)
def test_figures_that_cannot_be_read_do_not_cost_the_answer(strange: bytes) -> None:
    """A strange usage leaves the events as they are and the figures empty."""
    reading = Reading()
    assert reading.feed(strange + HELLO)[0] == strange
    assert reading.usage == {}


@pytest.mark.parametrize(
    "garbage", [b"<html>502</html>\n\n", b"data: not json\n\n", b"\x00\xff\xfe\n\n", b"data: {}\n\n"]
)
def test_garbage_between_events_fails_the_stream(garbage: bytes) -> None:
    """What is neither an event nor a comment is no answer; what came before it in the same read is written."""
    reading = Reading()
    reading.feed(said.start() + HELLO)
    assert not reading.garbled
    assert reading.feed(HELLO + garbage + HELLO) == [HELLO]
    assert reading.garbled


def test_an_event_beyond_the_limit_fails_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """The splitter's limit holds for every read."""
    monkeypatch.setattr("worker.events.MAX_EVENT_BYTES", 64)
    with pytest.raises(UpstreamError):
        Reading().feed(b"data: " + b"x" * 100)


def test_positions_of_the_upstreams_own_are_taken_off() -> None:
    """A client must come back with ours; an `id:` behind the name is data to nobody and stays."""
    reading = Reading()
    read = b"id: 7\n" + said.start() + b"id: 8\nid: 9\n" + HELLO
    assert reading.feed(read) == [said.start(), HELLO]


def test_comments_are_left_out() -> None:
    """A comment is no frame, before content and after it."""
    reading = Reading()
    assert reading.feed(b": hello\n\n" + said.start() + HELLO + b": still here\n\n") == [said.start(), HELLO]
