"""worker/events.py: any split of the bytes gives the same events, and lines end where the SSE specification says."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlog.errors import UpstreamError
from worker import events
from worker.events import Splitter, data_of, name_of

# What `str.splitlines` takes for a line's end and the SSE specification does not.
NO_ENDS = "\u2028\u2029\u0085\x0b\x0c\x1c"
TEXTS = st.text(alphabet=f'ab:{{}}"\\ é😀{NO_ENDS}', max_size=12).map(str.encode)
EVENTS = st.lists(TEXTS.map(lambda text: b"event: ping\ndata: " + text + b"\n\n"), min_size=1, max_size=6)
MIXED = st.lists(st.sampled_from([b"data: a", b"event: x", b": c", b"\n", b"\r\n", b"\r", b"\r\r", b"\n\r"]))
LAST = b"event: end\n\n"
DELTA = b"event: content_block_delta"
NAMED = st.lists(
    st.sampled_from(
        [DELTA, b"event: message_stop", b"data: ", b"data: " + DELTA, b"id: 1", b": c", b"\n", b"\n\n", b"\n\n\n"]
    ),
    max_size=12,
).map(b"".join)


def split(data: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    """All events that `data` gives when it is fed in the pieces between `cuts`, and what remains."""
    splitter = Splitter()
    found = [event for a, b in pairwise([0, *cuts, len(data)]) for event in splitter.feed(data[a:b])]
    return found, splitter.rest


def lines_by_specification(data: bytes) -> list[list[bytes]]:
    """The lines of each event, read as the HTML standard's section on event streams says: one line after the other."""
    found: list[list[bytes]] = [[]]
    for line in re.split(rb"\r\n|\n|\r", data):
        if line:
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return found[:-1]


@given(EVENTS, st.booleans(), st.data())
def test_any_split_gives_the_same_events_and_joined_they_are_the_same_bytes(
    made: list[bytes], crlf: bool, data: st.DataObject
) -> None:
    """However a stream of LF or CRLF lines is cut, its events come out whole, in order and byte for byte."""
    sent = [event.replace(b"\n", b"\r\n") for event in made] if crlf else made
    whole = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=20)))
    found, rest = split(whole + LAST, cuts)
    assert (found, rest) == ([*sent, LAST], b"")


@given(MIXED, st.data())
def test_any_split_of_mixed_line_ends_gives_the_same_events(parts: list[bytes], data: st.DataObject) -> None:
    """With LF, CRLF and CR mixed at will, every cutting gives what single bytes give."""
    whole = b"".join(parts) + LAST
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    assert split(whole, cuts) == split(whole, list(range(1, len(whole))))


@given(NAMED, st.data())
def test_deltas_taken_at_once_are_those_that_feed_gives(whole: bytes, data: st.DataObject) -> None:
    """And nothing else is: where there is more to a read, it has not been taken, and `feed` gives all of it."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    quick, slow = Splitter(), Splitter()
    for a, b in pairwise([0, *cuts, len(whole)]):
        found, expected = quick.deltas(whole[a:b]), slow.feed(whole[a:b])
        if found is not None:
            assert {name_of(event) for event in found} <= {b"content_block_delta"}
        assert (quick.feed(whole[a:b]) if found is None else found) == expected


def test_deltas_as_claude_sends_them_are_taken_at_once() -> None:
    """However they are cut; with another event among them, or one that is too large, nothing is."""
    delta, splitter = DELTA + b"\ndata: {}\n\n", Splitter()
    taken = [splitter.deltas(read) for read in (delta * 2, delta + delta[:9], delta[9:], delta + LAST, delta)]
    assert taken == [[delta] * 2, [delta], [delta], None, [delta]]
    assert splitter.deltas(DELTA + b"\ndata: " + b"x" * events.MAX_EVENT_BYTES) is None


@given(MIXED)
def test_events_end_where_the_specification_says(parts: list[bytes]) -> None:
    """The lines of each event are those that a reader of single lines finds."""
    whole = b"".join(parts) + LAST
    found, _ = split(whole, [])
    lines = [[line for line in re.split(rb"\r\n|\n|\r", event) if line] for event in found]
    assert lines == lines_by_specification(whole)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("char", NO_ENDS)
def test_characters_that_only_python_takes_for_line_ends_stay_inside_the_data(end: bytes, char: str) -> None:
    """U+2028, U+0085 and their like in the data split neither the event nor its lines."""
    text = f'{{"text": "one{char}{char}two"}}'.encode()
    event = b"event: content_block_delta" + end + b"data: " + text + end + end
    found, _ = split(event + LAST, [])
    assert found == [event, LAST]
    assert data_of(event) == text


def test_an_incomplete_event_is_kept_and_not_given() -> None:
    """What no blank line has ended yet stays in `rest`."""
    assert split(b"event: ping\ndata: {}\n", []) == ([], b"event: ping\ndata: {}\n")


def test_empty_lines_between_events_are_left_out() -> None:
    """More blank lines than needed make no events."""
    assert split(b"\n\n\nevent: a\n\n\n\n\nevent: b\n\n", [])[0] == [b"event: a\n\n", b"event: b\n\n"]


def test_an_event_without_end_is_refused_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the upstream's bytes are garbage, not memory."""
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", 100)
    splitter = Splitter()
    assert splitter.feed(b"x" * 100) == []
    with pytest.raises(UpstreamError) as refused:
        splitter.feed(b"x")
    assert refused.value.code == "upstream_garbled"


def test_a_read_of_many_small_events_may_be_larger_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is one event's, not that of a read that completes many."""
    monkeypatch.setattr(events, "MAX_EVENT_BYTES", 100)
    assert len(Splitter().feed(b"event: ping\n\n" * 100)) == 100


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (b"event: content_block_delta\ndata: {}\n\n", b"content_block_delta"),
        (b"event: ping\r\ndata: {}\r\n\r\n", b"ping"),
        (b"event: ping\rdata: {}\r\r", b"ping"),
        (b"event:ping\ndata:{}\n\n", b"ping"),
        (b'data: {"type": "error"}\nevent: ping\n\n', b"ping"),
        (b": a comment\nevent: ping\n\n", b"ping"),
        (b'data: {"type": "error", "error": {}}\n\n', b"error"),
        (b'data:{"type":"message_stop"}\n\n', b"message_stop"),
        (b'data: {"type":\ndata: "message_stop"}\n\n', b"message_stop"),
        (b": only a comment\n\n", b""),
        (b"data: not json\n\n", b""),
        (b"data: [1]\n\n", b""),
        (b"data: {}\n\n", b""),
        (b"\xff\xfe\x00\n\n", b""),
    ],
)
def test_name_of_an_event(event: bytes, name: bytes) -> None:
    """The name stands in the event line, wherever that is and however it ends, else in the data's type."""
    assert name_of(event) == name


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"event: ping\ndata: {}\n\n", b"{}"),
        (b"event: ping\r\ndata: {}\r\n\r\n", b"{}"),
        (b"data:{}\n\n", b"{}"),
        (b"data:  {}\n\n", b" {}"),
        (b"data: one\nevent: ping\ndata: two\n\n", b"one\ntwo"),
        (b"event: ping\n\n", b""),
    ],
)
def test_data_of_an_event(event: bytes, data: bytes) -> None:
    """The data lines without the one space that may follow the colon, joined by LF."""
    assert data_of(event) == data
