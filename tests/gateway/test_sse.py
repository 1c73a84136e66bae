"""gateway/sse.py: the gateway's own events carry no id and only names that every client tolerates."""

import json

from gateway import sse
from streamlog.errors import InternalError


def test_a_ping_has_no_id_and_is_what_claude_sends() -> None:
    """A client's position never moves by it."""
    assert sse.ping() == b'event: ping\ndata: {"type": "ping"}\n\n'


def test_a_ping_tells_the_queue_position_as_an_extra_field() -> None:
    """While a job waits; zero is a position too."""
    assert sse.ping(0) == b'event: ping\ndata: {"type": "ping", "queue_position": 0}\n\n'


def test_an_error_is_one_event_with_an_anthropic_body() -> None:
    """Type, message, code and request id, on one line."""
    event = sse.error(InternalError("stream_lost"), "req_1")
    name, data = event.removesuffix(b"\n\n").split(b"\n")
    assert name == b"event: error"
    assert json.loads(data.removeprefix(b"data: ")) == {
        "type": "error",
        "error": {
            "type": "api_error",
            "message": "Part of this stream was lost, so it cannot be continued.",
            "details": {"error_code": "stream_lost"},
        },
        "request_id": "req_1",
    }


def test_an_error_frame_is_told_by_its_name_line() -> None:
    """A text that speaks of errors is none."""
    assert sse.is_error_frame(b"id: job:1-1\nevent: error\ndata: {}\n\n")
    assert not sse.is_error_frame(b"id: job:1-1\nevent: content_block_delta\ndata: event: error\n\n")
    assert not sse.is_error_frame(b"")


def test_the_data_of_an_error_frame() -> None:
    """What stands behind `data: ` on its third line."""
    assert sse.data_of_frame(b'id: job:1-1\nevent: error\ndata: {"type": "error"}\n\n') == b'{"type": "error"}'
