"""Something that answers `POST /v1/messages`: the simulator itself, Sluice, later other gateways.

Invariant: every target gets the same bytes, but for the `host` header.
Does not know: how it was started, what is measured.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

_HEADERS = {"x-api-key": "any", "anthropic-version": "2023-06-01", "content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Target:
    """A name for the table, and an address on this machine's loopback."""

    name: str
    host: str
    port: int

    @classmethod
    def at(cls, name: str, url: str) -> Target:
        """The target at an `http://host:port` address."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None or parts.port is None:
            raise ValueError(f"{url!r} is not http://host:port")
        return cls(name, parts.hostname, parts.port)

    def ask(self, *, events: int, events_per_s: int, stamp: bool = False) -> bytes:
        """A whole request for a streamed answer of `events` deltas, the first of them at once.

        `events_per_s` paces them (0: all at once). `stamp` has the simulator begin each delta's text with its
        `time.monotonic_ns()` at sending.
        """
        directive = f"[[sim:text first_token_ms=0 tps={events_per_s} events={events} stamp={int(stamp)}]]"
        message = {
            "model": "claude-bench",
            "max_tokens": 100_000,
            "stream": True,
            "messages": [{"role": "user", "content": f"{directive} How does a sluice gate work?"}],
        }
        body = json.dumps(message).encode()
        headers = {**_HEADERS, "host": f"{self.host}:{self.port}", "content-length": str(len(body))}
        lines = ["POST /v1/messages HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
