"""Something that answers a question with a stream: the stand-in itself, Sluice, other gateways.

Invariant: every target gets the same body on connections of the same kind; only path, headers and shape differ where a
target speaks another dialect.
Does not know: how it was started, what is measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import cycle, islice
from urllib.parse import urlsplit

_HEADERS = {"x-api-key": "any", "anthropic-version": "2023-06-01", "content-type": "application/json"}

Processes = Mapping[str, int]
"""Process ids by the name that the tables show."""


def _none() -> Processes:
    return {}


@dataclass(frozen=True, slots=True)
class Target:
    """A name for the tables, an address on loopback (`ports`: connections take turns), and how to speak to it.

    `last` ends the body of every whole answer; `processes` finds all that works for it, the stand-in included.
    `quick_ack` has the client acknowledge each read at once, for a server that leaves Nagle's algorithm on and would
    wait 40 ms for it.
    """

    name: str
    host: str
    port: int
    path: str = "/v1/messages"
    headers: Mapping[str, str] = field(default_factory=dict)
    model: str = "claude-bench"
    last: bytes = b'"message_stop"}\n\n'
    quick_ack: bool = False
    processes: Callable[[], Processes] = _none
    more_ports: tuple[int, ...] = ()

    @classmethod
    def at(cls, name: str, url: str) -> Target:
        """The target at an `http://host:port` address."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname is None or parts.port is None:
            raise ValueError(f"{url!r} is not http://host:port")
        return cls(name, parts.hostname, parts.port)

    def ports(self, count: int) -> list[int]:
        """The ports that so many connections go to."""
        return list(islice(cycle((self.port, *self.more_ports)), count))

    def ask(self, *, events: int, events_per_s: float, stamp: bool = False, path: str = "") -> bytes:
        """A whole request for a streamed answer of `events` deltas, the first of them at once.

        `events_per_s` paces them (0: all at once). `stamp` has the stand-in begin each delta's text with its
        `time.monotonic_ns()` at sending. `path` is another than the usual one.
        """
        directive = f"[[sim:text first_token_ms=0 tps={events_per_s:g} events={events} stamp={int(stamp)}]]"
        message = {
            "model": self.model,
            "max_tokens": 100_000,
            "stream": True,
            "messages": [{"role": "user", "content": f"{directive} How does a sluice gate work?"}],
        }
        return self.request("POST", path or self.path, json.dumps(message).encode())

    def request(self, method: str, path: str, body: bytes = b"") -> bytes:
        """A whole request with the usual headers."""
        headers = {**_HEADERS, **self.headers, "host": f"{self.host}:{self.port}", "content-length": str(len(body))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
