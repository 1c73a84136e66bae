"""Bytes of events."""

import json

from simulator.answer import Answer, InputUsage
from simulator.blocks import Text, Thinking
from simulator.message import Envelope, event, message_frames, stamped

ANSWER = Answer((Thinking(("a",), "s"), Text(('"\\\n\u2028é',))), InputUsage(3))
ENVELOPE = Envelope("msg_1", "claude-sonnet-5")


def test_the_framing_of_an_event() -> None:
    """A name line, a data line of compact JSON, a blank line, characters as UTF-8."""
    assert event("ping", {"type": "ping", "é": "\u2028"}) == (
        b'event: ping\ndata: {"type":"ping","\xc3\xa9":"\xe2\x80\xa8"}\n\n'
    )


def test_delta_bytes_are_those_of_any_event() -> None:
    """Deltas are made a faster way, to the same bytes."""
    deltas = [
        frame.data for frame in message_frames(ANSWER, ENVELOPE) if frame.data.startswith(b"event: content_block_d")
    ]
    texts = [
        (0, {"type": "thinking_delta", "thinking": "a"}),
        (0, {"type": "signature_delta", "signature": "s"}),
        (1, {"type": "text_delta", "text": '"\\\n\u2028é'}),
    ]
    assert deltas == [
        event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta})
        for index, delta in texts
    ]


def test_one_ping_behind_the_first_block_start() -> None:
    """A stream has its ping where the API sends it."""
    named = [frame.data.split(b"\n")[0] for frame in message_frames(ANSWER, ENVELOPE)]
    assert named[:3] == [b"event: message_start", b"event: content_block_start", b"event: ping"]
    assert named.count(b"event: ping") == 1


def test_only_text_is_stamped() -> None:
    """A stamp goes in front of the text and leaves the rest as it is."""
    (frame,) = [frame for frame in message_frames(ANSWER, ENVELOPE) if frame.text]
    data = json.loads(stamped(frame.data, 42).split(b"data: ")[1])
    assert data["delta"]["text"] == '@42 "\\\n\u2028é'


def test_the_first_content_of_an_empty_answer_is_paced() -> None:
    """An answer without a delta has a time to its first content too."""
    frames = message_frames(Answer((), InputUsage(3)), ENVELOPE)
    assert [frame.paced for frame in frames] == [False, True, False]
