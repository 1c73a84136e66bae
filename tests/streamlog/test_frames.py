"""Frames and chunks: the same bytes in log, channel and response, and any tail of them cut out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamlog.frames import Chunk, framed, id_line, id_prefix, plain_chunk, read_chunk
from streamlog.positions import Position

JOB = "job_" + "a" * 22
DATA = st.text(max_size=30).map(lambda text: text.replace("\n", "").replace("\r", "").encode())
MARKS = st.sampled_from(["", "done", "failed", "cancelled"])


def _frames(attempt: int, first: int, lines: list[bytes]) -> list[bytes]:
    """Frames as a writer makes them."""
    return [
        id_line(JOB, Position(attempt, number)) + b"event: e\ndata: " + line + b"\n\n"
        for number, line in enumerate(lines, first)
    ]


def _message(chunk: Chunk) -> bytes:
    """A chunk as the scripts store and publish it."""
    words = (chunk.attempt, chunk.first, chunk.last, chunk.mark or "-", chunk.stored_us, len(chunk.head))
    return " ".join(map(str, words)).encode() + b"\n" + chunk.head + chunk.data


@given(st.integers(1, 10**15), st.integers(1, 10**6), MARKS, st.binary(max_size=40), st.binary(max_size=80))
def test_a_chunk_is_read_whole(attempt: int, first: int, mark: str, head: bytes, data: bytes) -> None:
    """Head and data may hold any bytes, line ends included."""
    chunk = Chunk(attempt, first, first + 3, mark, 123, head, data)
    assert read_chunk(_message(chunk)) == chunk


@given(st.integers(1, 10**15), st.integers(1, 10**6), st.binary(max_size=80))
def test_a_plain_chunk_is_read_whole(attempt: int, first: int, data: bytes) -> None:
    """It tells where its frames stand, and nothing else."""
    assert read_chunk(plain_chunk(attempt, first, first + 3, data)) == Chunk(
        attempt, first, first + 3, "", 0, b"", data
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"hello",
        b"1 2 3",
        b"1 2\n",
        b"1 x 3\n",
        b"1 2 3 -\n",
        b"1 2 3 - 5 x\n",
        b"a 2 3 - 5 0\n",
        b"1 2 3 - 5 0 7\n",
        b"\xff\xfe 1 1 - 1 0\n",
    ],
)
def test_what_is_no_chunk_is_refused(text: bytes) -> None:
    """Whoever reads a channel learns it by `ValueError`."""
    with pytest.raises(ValueError):  # the text is int()'s or unpacking's own
        read_chunk(text)


@given(st.lists(DATA, max_size=12), st.integers(1, 120))
def test_events_are_framed_by_their_id_lines(lines: list[bytes], first: int) -> None:
    """Made at once, they are what each is by itself."""
    events = [b"event: e\ndata: " + line + b"\n\n" for line in lines]
    assert framed(id_prefix(JOB, 7), first, events) == b"".join(_frames(7, first, lines))


@given(st.lists(DATA, min_size=1, max_size=12), st.integers(1, 120), st.data())
def test_after_cuts_at_every_frame(lines: list[bytes], first: int, data: st.DataObject) -> None:
    """What follows a number is exactly the later frames, whatever they contain."""
    attempt = data.draw(st.integers(1, 10**15))
    frames = _frames(attempt, first, lines)
    chunk = Chunk(attempt, first, first + len(lines) - 1, "done", 1, b"", b"".join(frames))
    assert chunk.after(JOB, first - 1) is chunk
    for number in range(first, chunk.last):
        rest = chunk.after(JOB, number)
        assert rest == chunk._replace(first=number + 1, data=b"".join(frames[number + 1 - first :]))
    assert chunk.after(JOB, chunk.last) is None
    assert chunk.after(JOB, chunk.last + 5) is None


def test_after_is_not_misled_by_an_id_inside_a_frame() -> None:
    """Text that looks like an id line stands in JSON on one line, so it is never at the beginning of one."""
    said = b"id: %s:7-2" % JOB.encode()
    frames = _frames(7, 1, [b'{"text":"\\n%s\\n"} %s' % (said, said), b'{"id: %s:7-3"}' % JOB.encode(), b"{}"])
    rest = Chunk(7, 1, 3, "", 1, b"", b"".join(frames)).after(JOB, 1)
    assert rest is not None
    assert rest.data == frames[1] + frames[2]


def test_after_does_not_take_frame_12_for_frame_1() -> None:
    """A number is found whole, not as the beginning of a longer one."""
    frames = _frames(7, 11, [b"{}"] * 3)
    rest = Chunk(7, 11, 13, "", 1, b"", b"".join(frames)).after(JOB, 11)
    assert rest is not None
    assert rest.data == frames[1] + frames[2]


def test_after_refuses_bytes_that_are_not_ours() -> None:
    """A chunk that should hold the next frame and does not is an error, never a guess."""
    with pytest.raises(ValueError, match="not found"):
        Chunk(7, 1, 3, "", 1, b"", b"event: e\ndata: {}\n\n" * 3).after(JOB, 1)


def test_a_chunk_holds_its_own_frames_only() -> None:
    """Not those of another attempt, and none before or behind it."""
    chunk = Chunk(7, 3, 5, "", 1, b"", b"")
    numbers = [number for number in range(9) if chunk.holds(Position(7, number))]
    assert numbers == [3, 4, 5]
    assert not any(chunk.holds(Position(attempt, 4)) for attempt in (6, 8))
    assert chunk.position == Position(7, 5)
