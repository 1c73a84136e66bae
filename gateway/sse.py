"""The few server-sent events that are the gateway's own.

Invariant: they carry no `id:`, so a client's position never moves by them, and only names that every Claude client
tolerates anywhere: `ping` and `error`.
Does not know: jobs, HTTP.
"""

from streamlog.errors import SluiceError, error_event

_PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def ping(queue_position: int | None = None) -> bytes:
    """A sign of life; while the job waits it tells how many stand before it, as an extra field."""
    if queue_position is None:
        return _PING
    return b'event: ping\ndata: {"type": "ping", "queue_position": %d}\n\n' % queue_position


def error(problem: SluiceError, request_id: str) -> bytes:
    """The named end of a stream that cannot go on."""
    return error_event(problem.body(request_id))


def is_error_frame(frame: bytes) -> bool:
    """Whether a frame of a log (an `id:` line, then the event) is an error."""
    return frame.split(b"\n", 2)[1:2] == [b"event: error"]


def data_of_frame(frame: bytes) -> bytes:
    """The data of a frame that is an error: what stands after `data: ` on its third line."""
    return b"".join(frame.split(b"\n", 3)[2:3]).removeprefix(b"data: ")
