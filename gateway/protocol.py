"""HTTP/1.1 as uvicorn reads it, with a limit on a request's head and errors in Anthropic's shape.

Invariant: a request line with its headers takes at most `MAX_HEAD_BYTES`, and one read, of memory; what is refused
here gets one valid Anthropic error, never in the middle of another answer.
Does not know: paths, bodies.
"""

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from gateway.replies import new_request_id, problem_reply
from streamlog.errors import ClientError

MAX_HEAD_BYTES = 64 * 1024
_LAST_WORDS_S = 1.0


class _HeadTooLarge(Exception):
    """Raised into the parser, which then reads no further."""


class Protocol(HttpToolsProtocol):
    """uvicorn sets no limit of its own: a head would be collected for as long as it comes."""

    _in_head = False
    _head_bytes = 0  # of a head whose end has not come
    _parsed_bytes = 0
    _too_large = False
    _refused = False

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        unfinished = self._in_head
        super().data_received(data)
        # A header that is not complete yet has reached no callback: its bytes wait in the parser.
        if unfinished and self._in_head and not self._refused:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._too_large = True
                self.send_400_response("")

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes, self._parsed_bytes = True, 0, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + len(b": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._parsed_bytes += size
        if self._parsed_bytes > MAX_HEAD_BYTES:
            self._too_large = True
            raise _HeadTooLarge

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be a request. The rest of it is read for a moment and thrown away: a connection that is
        closed with unread bytes is reset, and its client would never see the answer."""
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # its answer is on the way, and must not be mixed with this one
            return
        self.transport.write(self._refusal())
        self.transport.write_eof()
        self.loop.call_later(_LAST_WORDS_S, self.transport.abort)

    def _refusal(self) -> bytes:
        problem = (
            ClientError("headers_too_large", f"The request's line and headers have more than {MAX_HEAD_BYTES} bytes.")
            if self._too_large
            else ClientError("invalid_request", "This is not an HTTP/1.1 request.")
        )
        reply = problem_reply(problem, new_request_id(), {"connection": "close"})
        headers = b"".join(b"%b: %b\r\n" % header for header in reply.raw_headers)
        return STATUS_LINE[reply.status_code] + headers + b"\r\n" + bytes(reply.body)
