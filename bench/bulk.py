"""Large bodies, sent as fast as they are taken, by threads that leave the load client's loop alone.

Invariant: every body is answered with 200 and a whole stream, or the measurement fails.
Does not know: what its sending does to others.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator

from bench.failure import BenchFailed
from bench.target import Target

_LAST = b'{"type":"message_stop"}\n\n\r\n0\r\n\r\n'
_LIMIT_S = 60.0


def image_request(target: Target, size: int) -> bytes:
    """A whole request with a body of exactly `size` bytes: one image, one question, a short streamed answer."""
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}
    question = {"type": "text", "text": "[[sim:text first_token_ms=0 tps=0 events=3]] What is this?"}
    message = {
        "model": "claude-bench",
        "max_tokens": 100_000,
        "stream": True,
        "messages": [{"role": "user", "content": [image, question]}],
    }
    small = json.dumps(message)
    body = small.replace('"data": ""', f'"data": "{"A" * (size - len(small))}"').encode()
    head = (
        f"POST /v1/messages HTTP/1.1\r\nhost: {target.host}:{target.port}\r\nx-api-key: any\r\n"
        f"anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Senders:
    """So many at once: all of them begin a body together, and the next when all have their answers. `sent` counts."""

    def __init__(self, target: Target, request: bytes, at_once: int) -> None:
        self._target = target
        self._request = request
        self._together = threading.Barrier(at_once) if at_once else None
        self._stop = False
        self._over = False
        self._error: BaseException | None = None
        self.sent = 0
        self._threads = [threading.Thread(target=self._send) for _ in range(at_once)]

    @contextlib.asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Send for the block, and finish what is open then. Raises BenchFailed."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop = True
            for thread in self._threads:
                await asyncio.to_thread(thread.join)
        if self._error is not None:
            raise BenchFailed(f"a large body was not answered: {self._error!r}")

    def _send(self) -> None:
        assert self._together is not None
        try:
            with socket.create_connection((self._target.host, self._target.port), _LIMIT_S) as connection:
                while True:
                    # One of them decides for all, or some would wait for ever for those who stopped.
                    if self._together.wait(_LIMIT_S) == 0:
                        self._over = self._stop
                    self._together.wait(_LIMIT_S)
                    if self._over:
                        return
                    connection.sendall(self._request)
                    self._read_answer(connection)
                    self.sent += 1
        except (OSError, BenchFailed, threading.BrokenBarrierError) as error:
            if not isinstance(error, threading.BrokenBarrierError):
                self._error = error
            self._together.abort()

    def _read_answer(self, connection: socket.socket) -> None:
        answer = b""
        while not answer.endswith(_LAST):
            read = connection.recv(65_536)
            answer += read
            if not read or not answer.startswith(b"HTTP/1.1 200 "[: len(answer)]):
                raise BenchFailed(f"it said {answer[:500]!r}")
