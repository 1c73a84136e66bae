"""HTTP/1.1 as uvicorn reads it, with a limit on a request's head, errors in Anthropic's shape, and a polite end.

Invariant: a request line with its headers takes at most `MAX_HEAD_BYTES`, and one read, of memory, and there are at
most `MAX_HEADERS` of them. What is refused here gets one valid Anthropic error, never in the middle of another answer.
An answer that does not wait for the end of its request is the last of its connection, and its client can read it.
What is made here for a request or a connection points back weakly, since uvicorn holds both for as long as an answer is
given: they are free as soon as they are over, without the collector.
Does not know: paths, what is in a body.
"""

import asyncio
import weakref
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from gateway.replies import new_request_id, problem_reply
from streamlog.errors import ClientError

MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 256  # thousands of them within the bytes would cost 30 ms to join
_TOO_LARGE = f"The request's line and headers have more than {MAX_HEAD_BYTES} bytes, or than {MAX_HEADERS} headers."
STATUS_LINE[529] = b"HTTP/1.1 529 Overloaded\r\n"  # Anthropic's own status, for which uvicorn has no phrase
# What is still read, and thrown away, of a request that has its answer. Some clients (httpx) send all they have before
# they look, and see only a broken connection if that fails.
_LAST_WORDS_S = 30.0
_LAST_WORDS_BYTES = 1024 * 1024 * 1024


POURING = "sluice.pouring"  # the name of the extension in a request's scope


class _HeadTooLarge(Exception):
    """Raised into the parser, which then reads no further."""


class _AnswersTransport:
    """The transport as a response uses it: an answer's head leaves with what follows it in the same turn of the loop,
    and `close` is polite."""

    def __init__(self, protocol: "Protocol") -> None:
        self._protocol: Protocol = weakref.proxy(protocol)
        self._write = protocol.transport.write
        self.holds = b""  # the head of an answer
        self.is_closing = protocol.transport.is_closing

    def write(self, data: bytes) -> None:
        if self.holds:
            data, self.holds = self.holds + data, b""
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100 "):
            self.holds = data
            self._protocol.loop.call_soon(self.flush)
            return
        self._write(data)

    def flush(self) -> None:
        """Write what is held."""
        if self.holds:
            self.write(b"")

    def close(self) -> None:
        self.flush()
        self._protocol.close()


class Pouring:
    """A way for parts of a body past ASGI, whose messages and awaits cost more than the parts."""

    def __init__(self, protocol: "Protocol", cycle: RequestResponseCycle) -> None:
        self._protocol: Protocol = weakref.proxy(protocol)
        self._write = protocol.transport.write
        self._flow = protocol.flow
        self._cycle: RequestResponseCycle = weakref.proxy(cycle)

    @property
    def free(self) -> bool:
        """Whether a part that is sent now need not wait for its reader."""
        return not self._flow.write_paused

    def watch(self, left: Callable[[], None]) -> None:
        """Have `left` called when the client leaves, at once if it has left. For an answer whose request has been read:
        ASGI's `receive` takes a task that waits for as long as the answer lasts."""
        self._protocol.leaving = left
        self._flow.resume_reading()  # else its leaving would not be read
        if self._cycle.disconnected or self._protocol.transport.is_closing():
            left()

    def unwatch(self, left: Callable[[], None]) -> None:
        """Not any more."""
        if self._protocol.leaving == left:  # else the next answer of this connection is being watched
            self._protocol.leaving = None

    def pour(self, part: bytes) -> bool:
        """Write a part now, at the place where the answer's body stands; False if that cannot be, and it was not.

        It cannot before the head has left and behind the end, to a reader that is slow or gone, and where a length was
        told.
        """
        cycle = self._cycle
        if self._flow.write_paused or cycle.disconnected or not cycle.chunked_encoding or cycle.response_complete:
            return False
        if self._protocol.answers.holds:
            return False
        self._write(b"%x\r\n%b\r\n" % (len(part), part))
        return True


def pouring_of(scope: Scope) -> Pouring:
    """The short way to this response's body. Raises `KeyError` in a server that does not speak `Protocol`."""
    pouring: Pouring = scope["extensions"][POURING]
    return pouring


class Protocol(HttpToolsProtocol):
    """uvicorn sets no limit of its own: a head would be collected for as long as it comes."""

    _in_head = False
    _head_bytes = 0  # of a head whose end has not come
    _parsed_bytes = 0
    _headers = 0
    _too_large = False
    _unfinished: RequestResponseCycle | None = None  # the request whose body is still coming
    _keep_alive = False
    _last_words_bytes: int | None = None  # what came of them; None while answers are given
    _last_words_end: asyncio.TimerHandle | None = None
    leaving: Callable[[], None] | None = None  # called when the client leaves

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.answers = _AnswersTransport(self)

    def data_received(self, data: bytes) -> None:
        if self._last_words_bytes is not None:
            self._last_words_bytes += len(data)
            if self._last_words_bytes > _LAST_WORDS_BYTES:
                self.transport.abort()
            return
        unfinished = self._in_head
        super().data_received(data)
        # A header that is not complete yet has reached no callback: its bytes wait in the parser.
        if unfinished and self._in_head and self._last_words_bytes is None:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._too_large = True
                self.send_400_response("")

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes, self._parsed_bytes, self._headers = True, 0, 0, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value) + len(b": \r\n"))
        super().on_header(name, value.rstrip(b" \t"))  # the parser takes spaces away in front only

    def on_headers_complete(self) -> None:
        self._in_head = False
        before = self.cycle
        super().on_headers_complete()
        if self.cycle is not before:
            self.cycle.transport = cast(Any, self.answers)
            self.cycle.scope["extensions"] = {POURING: cast(Any, Pouring(self, self.cycle))}
            # Until the request is complete nobody knows where the next one would begin.
            self._unfinished, self._keep_alive, self.cycle.keep_alive = self.cycle, self.cycle.keep_alive, False

    def on_message_complete(self) -> None:
        if self._unfinished is not None:
            self._unfinished.keep_alive = self._keep_alive
            self._unfinished = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        if self._last_words_bytes is None:
            super().on_response_complete()

    def shutdown(self) -> None:
        self.answers.flush()
        self._keep_alive = False
        if self._last_words_bytes is None:
            super().shutdown()
        else:
            self.transport.abort()

    def close(self) -> None:
        """Close behind an answer."""
        if self._unfinished is None:
            self.transport.close()
        else:
            self._hear_last_words()

    def _hear_last_words(self) -> None:
        """Close, but read on for a while: a connection that is closed with unread bytes is reset, and its client would
        never see the answer."""
        self._last_words_bytes = 0
        self.transport.write_eof()
        self.flow.resume_reading()
        self._last_words_end = self.loop.call_later(_LAST_WORDS_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._last_words_end is not None:  # else every refused connection would be remembered for so long
            self._last_words_end.cancel()
        super().connection_lost(exc)
        if self.leaving is not None:
            self.leaving()

    def _count(self, size: int) -> None:
        self._parsed_bytes += size
        self._headers += 1
        if self._parsed_bytes > MAX_HEAD_BYTES or self._headers > MAX_HEADERS:
            self._too_large = True
            raise _HeadTooLarge

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be a request."""
        self.answers.flush()
        if self._unfinished is not None and not self._unfinished.response_started and not self.pipeline:
            self._unfinished.disconnected = True  # whoever waits for its body
            self._unfinished.message_event.set()
        elif self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # its answer is on the way, and must not be mixed with this one
            return
        self.transport.write(self._refusal())
        self._hear_last_words()

    def _refusal(self) -> bytes:
        problem = (
            ClientError("headers_too_large", _TOO_LARGE)
            if self._too_large
            else ClientError("invalid_request", "This is not an HTTP/1.1 request.")
        )
        reply = problem_reply(problem, new_request_id(), {"connection": "close"})
        headers = b"".join(b"%b: %b\r\n" % header for header in reply.raw_headers)
        return STATUS_LINE[reply.status_code] + headers + b"\r\n" + bytes(reply.body)
