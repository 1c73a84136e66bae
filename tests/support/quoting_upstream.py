"""An upstream that quotes: whatever goes wrong with it, its words and those it was asked are in what it says.

A prompt that ends in `do:<name>` picks what happens. Invariant: it listens on loopback and ends with the block.
Does not know: who asks.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support import said

_HEAD = b"HTTP/1.1 %b\r\ncontent-type: %b\r\n%b\r\n"


class QuotingUpstream:
    """`url` is its address; `keys` are those that it was called with."""

    def __init__(self, answer: str) -> None:
        self.url = ""
        self.keys: set[str] = set()
        self._answer = answer

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["QuotingUpstream"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = "http://{}:{}".format(*server.sockets[0].getsockname())
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            self.keys |= {fields.get("x-api-key", ""), fields.get("authorization", "").removeprefix("bearer ")}
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            writer.write(self._told(head, body))
            await writer.drain()
            if b"do:hang" in body:
                await reader.read()
        writer.close()

    def _told(self, head: str, body: bytes) -> bytes:
        quoted = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": body.decode()}})
        words = [said.start(), said.BLOCK, said.text(self._answer)]
        match body.partition(b"do:")[2].partition(b'"')[0]:
            case b"refuse":
                return _whole(b"400 Bad Request", b"application/json", quoted.encode())
            case b"refuse-in-html":
                return _whole(b"403 Forbidden", b"text/html", b"<p>" + body)
            case b"whole":
                return _whole(b"200 OK", b"application/json", json.dumps({"content": self._answer}).encode())
            case b"no-json":
                return _whole(b"200 OK", b"application/json", b"{" + self._answer.encode())
            case b"no-http":
                return self._answer.encode() + b" " + body + b"\r\n\r\n"
            case b"error-event":
                words += [said.error(message=body.decode())]
            case b"garbled":
                words += [self._answer.encode() + b"\n\n"]
            case b"worker-defect":
                words += [said.text("BREAK")]
            case b"cut" | b"hang":
                pass
            case _:
                words += [said.BLOCK_END, said.delta(output_tokens=1), said.STOP]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in words)
        end = b"" if b"do:cut" in body or b"do:hang" in body else b"0\r\n\r\n"
        return _HEAD % (b"200 OK", b"text/event-stream", b"transfer-encoding: chunked\r\n") + framed + end


def _whole(status: bytes, content_type: bytes, body: bytes) -> bytes:
    return _HEAD % (status, content_type, b"content-length: %d\r\n" % len(body)) + body
