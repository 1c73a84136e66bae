"""What is found in an answer, wherever the reads cut it."""

import json

from bench.sinks import Count, DeltaDelays, FirstToken


def delta(text: str) -> bytes:
    data = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return f"event: content_block_delta\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()


START = b'event: message_start\ndata: {"type":"message_start"}\n\n'
ANSWER = START + delta("@100 one ") + delta("@250 two ") + b"event: message_stop\n\n"


def test_first_token_is_the_read_that_begins_its_text() -> None:
    """Byte by byte: the delay ends with the byte that begins the first delta's text, later ones change nothing."""
    sink = FirstToken()
    sink.sent(1_000)
    for at in range(len(ANSWER)):
        sink.received(ANSWER[at : at + 1], 2_000 + at)
    assert sink.delay_ns == 1_000 + ANSWER.index(b'"@') + 1


def test_every_delta_counts_once_wherever_it_is_cut() -> None:
    """In whatever shape a gateway writes its text."""
    spaced = b'data: {"text": "@0 one"}\n\ndata: {"text": "@0 two"}\n\n'
    for answer in (ANSWER, spaced):
        for cut in range(len(answer) + 1):
            count = Count()
            count.received(answer[:cut], 1)
            count.received(answer[cut:], 2)
            assert count.deltas == 2, (answer, cut)


def test_each_delta_is_timed_by_the_read_that_completes_it() -> None:
    """Every stamped delta counts once, with the time of the read that brought its end."""
    ends = [len(START + delta("@100 one ")), len(START + delta("@100 one ") + delta("@250 two "))]
    for cut in range(len(ANSWER) + 1):
        sink = DeltaDelays()
        sink.received(ANSWER[:cut], 300)
        sink.received(ANSWER[cut:], 400)
        came = [300 if cut >= end else 400 for end in ends]
        assert list(sink.delays_ns) == [came[0] - 100, came[1] - 250], cut


def test_only_deltas_sent_in_the_window_count() -> None:
    """The window is closed at its begin and open at its end."""
    sink = DeltaDelays()
    sink.received(delta("@100 a ") + delta("@200 b ") + delta("@300 c "), 1_000)
    assert sink.between(200, 300) == [800]


def test_what_came_in_a_window_may_have_been_sent_before() -> None:
    """Arrivals count for the cost, whenever they were sent."""
    sink = DeltaDelays()
    sink.received(delta("@100 a ") + delta("@200 b "), 1_000)
    sink.received(delta("@300 c "), 2_000)
    assert (sink.came(900, 1_500), sink.came(1_000, 2_001), sink.came(0, 1_000)) == (2, 3, 0)
