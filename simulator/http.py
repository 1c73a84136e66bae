"""HTTP words without sockets: a request that has arrived, and the bytes of a response head.

Invariant: header names of a request are lower case. Does not know routes, JSON or pacing.
"""

from __future__ import annotations

import http
from dataclasses import dataclass

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, whole. `too_large` says that the body passed the limit and was thrown away;
    `body_size` counts the bytes that came all the same."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    body_size: int
    too_large: bool
    arrived_s: float
    """`time.monotonic()` when the last byte of the request came."""

    @property
    def target(self) -> str:
        """The path and the query as they arrived."""
        return f"{self.path}?{self.query}" if self.query else self.path


def response_head(status: int, headers: Headers) -> bytes:
    """The status line and headers up to and with the blank line; no framing header is added."""
    lines = [f"HTTP/1.1 {status} {_phrase(status)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; `data` must not be empty, as an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def _phrase(status: int) -> str:
    return _OTHER_PHRASES.get(status) or http.HTTPStatus(status).phrase


_OTHER_PHRASES = {524: "A Timeout Occurred", 529: "Overloaded"}
"""Statuses that no RFC has."""
