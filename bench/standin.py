"""`python -m bench.standin`: Claude's streaming API as one cheap protocol, so that the upstream hides nothing.

Invariant: an answer is the same events at every pace, `message_start`, one text block of `events` deltas,
`message_stop`, each event an HTTP chunk of its own. Every delta's text begins with `@` and a number:
`time.monotonic_ns()` at its writing where `stamp=1` asks for it, else 0. Paced streams share one wheel; a reader that
takes nothing holds only its own stream.
Does not know: keys, models, errors, tools; the simulator does.
"""

from __future__ import annotations

import asyncio
import gc
import re
import time
from functools import lru_cache
from typing import cast

import httptools
import uvloop

_DIRECTIVE = re.compile(rb"\[\[sim:text ([^\]]*)\]\]")
_PARAMETER = re.compile(rb"(\w+)=([\d.]+)")
_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_standin\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
_ALIVE = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n"
_BLOCK_EVENTS = 100
"""What an answer without a pace writes in one turn of the loop: about 14 KB, as much as one record of TLS."""
_TICK_S = 0.001


def _chunk(name: bytes, data: bytes) -> bytes:
    event = b"event: %b\ndata: %b\n\n" % (name, data)
    return b"%x\r\n%b\r\n" % (len(event), event)


def _delta(stamp: int) -> bytes:
    text = b"@%d a sluice gate lifts" % stamp
    return _chunk(
        b"content_block_delta",
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%b"}}' % text,
    )


_START = _chunk(
    b"message_start",
    b'{"type":"message_start","message":{"id":"msg_standin","type":"message","role":"assistant","content":[],'
    b'"model":"claude-bench","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":20,"output_tokens":1}}}',
) + _chunk(
    b"content_block_start",
    b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
)
_PLAIN = _delta(0)


@lru_cache
def _end(events: int) -> bytes:
    spent = b'"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":%d}' % events
    return (
        _chunk(b"content_block_stop", b'{"type":"content_block_stop","index":0}')
        + _chunk(b"message_delta", b'{"type":"message_delta",%b}' % spent)
        + _chunk(b"message_stop", b'{"type":"message_stop"}')
        + b"0\r\n\r\n"
    )


class Wheel:
    """One timer for all that are due within a millisecond; none while nobody waits."""

    def __init__(self) -> None:
        self._due: dict[int, list[Answering]] = {}

    def wait(self, answering: Answering, until_s: float) -> None:
        """Have it stepped at this `time.monotonic()`, to a millisecond."""
        slot = int(until_s / _TICK_S) + 1
        if slot not in self._due:
            self._due[slot] = []
            in_s = max(0.0, slot * _TICK_S - time.monotonic())
            asyncio.get_running_loop().call_later(in_s, self._turn, slot)
        self._due[slot].append(answering)

    def _turn(self, slot: int) -> None:
        for answering in self._due.pop(slot):
            answering.step()


class Answering(asyncio.Protocol):
    """One connection, and the one answer under way on it."""

    def __init__(self, wheel: Wheel) -> None:
        self._wheel = wheel
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._left = 0
        self._open = self._writable = True
        self._waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        self._open = False

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body, self._body = b"".join(self._body), []
        asked = _DIRECTIVE.search(body)
        if asked is None:
            self._transport.write(_ALIVE + b'{"status": "ok"}')
            return
        parameters = {name: float(value) for name, value in _PARAMETER.findall(asked[1])}
        self._events = self._left = int(parameters.get(b"events", 1))
        self._pause_s = 1 / parameters[b"tps"] if parameters.get(b"tps") else 0.0
        self._stamped = bool(parameters.get(b"stamp"))
        self._next_s = time.monotonic()
        self._transport.write(_HEAD + _START)
        self.step()

    def step(self) -> None:
        """Write what is due, one delta of a paced answer or a block of another, and see to the next."""
        self._waits = not self._writable
        if self._waits or not self._open:
            return
        count = 1 if self._pause_s else min(self._left, _BLOCK_EVENTS)
        self._transport.write(_delta(time.monotonic_ns()) * count if self._stamped else _PLAIN * count)
        self._left -= count
        if not self._left:
            self._transport.write(_end(self._events))
        elif self._pause_s:
            self._next_s += self._pause_s
            self._wheel.wait(self, self._next_s)
        else:
            asyncio.get_running_loop().call_soon(self.step)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        if self._waits:
            self.step()


async def _serve() -> None:
    wheel = Wheel()
    server = await asyncio.get_running_loop().create_server(lambda: Answering(wheel), "127.0.0.1", 0, backlog=4096)
    print(f"stand-in at http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve on a free port of loopback, said on stdout, until killed."""
    gc.freeze()
    gc.disable()
    uvloop.run(_serve())


if __name__ == "__main__":
    main()
