"""HTTP as it can be written: whatever form a request comes in, it is the same request, or it is refused clearly.

What travels on is compared with the simulator's ledger, by the SHA-256 of the body that reached it.
"""

import asyncio
import gzip
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import uuid4

import pytest

from tests.support.api import Api, body
from tests.support.cluster import Cluster
from tests.support.facts import each
from tests.support.ledger import Ledger

_WITHIN_S = 15.0
_LINE = b"POST /v1/messages HTTP/1.1\r\n"
_HEADERS = b"host: sluice\r\nx-api-key: k\r\nanthropic-version: 2023-06-01\r\ncontent-type: application/json\r\n"


class Answer:
    """One response: its status, its headers in lower case, its body without framing."""

    def __init__(self, head: bytes) -> None:
        line, *fields = head.decode("latin-1").rstrip().split("\r\n")
        self.status = int(line.split(" ")[1])
        self.headers = {name.lower(): value for name, value in (field.split(": ", 1) for field in fields)}
        self.body = b""

    @property
    def error(self) -> Any:
        """What it says, in Anthropic's shape. Raises `AssertionError` for anything else."""
        told = json.loads(self.body)
        assert (told["type"], told["request_id"][:4]) == ("error", "req_"), told
        return told["error"]


class Wire:
    """A connection on which a test writes what it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def to(cls, url: str) -> AsyncIterator[Self]:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            async with asyncio.timeout(_WITHIN_S):
                yield cls(reader, writer)
        finally:
            writer.transport.abort()

    def write(self, *pieces: bytes) -> None:
        self._writer.write(b"".join(pieces))

    async def answer(self, *, to_head: bool = False) -> Answer:
        """The next response, without the interim ones."""
        answer = Answer(await self._reader.readuntil(b"\r\n\r\n"))
        if to_head or answer.status in (100, 204):
            return answer
        if "content-length" in answer.headers:
            answer.body = await self._reader.readexactly(int(answer.headers["content-length"]))
            return answer
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            answer.body += (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readexactly(2)
        return answer

    async def closed(self) -> bool:
        """Whether nothing but the end of the connection comes."""
        return await self._reader.read() == b""


def _chunked(
    content: bytes, size: int = 1 << 20, extension: bytes = b"", trailers: bytes = b"", size_form: bytes = b"%x"
) -> bytes:
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    chunks = b"".join(size_form % len(piece) + extension + b"\r\n" + piece + b"\r\n" for piece in pieces)
    return b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"


def _plain(content: bytes) -> bytes:
    return b"content-length: %d\r\n\r\n" % len(content) + content


# How a body is framed, and what the headers before it are -> the bytes behind the request line, made from the body.
FORMS: dict[str, Callable[[bytes], bytes]] = {
    "a length": lambda content: _HEADERS + _plain(content),
    "a length with zeros": lambda content: _HEADERS + b"content-length: 000%d\r\n\r\n" % len(content) + content,
    "one chunk": lambda content: _HEADERS + _chunked(content),
    "a chunk for each byte": lambda content: _HEADERS + _chunked(content, size=1),
    "chunks with extensions": lambda content: _HEADERS + _chunked(content, 7, b';name=value;quoted="a b"'),
    "trailers": lambda content: _HEADERS + _chunked(content, 50, trailers=b"x-checksum: 1\r\nx-api-key: other\r\n"),
    "sizes in upper case": lambda content: _HEADERS + _chunked(content, 0xABC, size_form=b"%X"),
    "sizes with zeros": lambda content: _HEADERS + _chunked(content, size_form=b"%08x"),
    "names in odd case": lambda content: (
        _HEADERS.replace(b"x-api", b"X-aPI").replace(b"anthropic", b"ANTHROPIC")
        + _plain(content).replace(b"content-length", b"Content-LENGTH")
    ),
    "spaces around values": lambda content: (
        _HEADERS.replace(b"2023", b" \t2023").replace(b"\r", b" \t \r") + _plain(content)
    ),
    "no timeout": lambda content: _HEADERS + b"x-stainless-timeout: NOT_GIVEN\r\n" + _plain(content),
    "an identity": lambda content: _HEADERS + b"content-encoding: identity\r\n" + _plain(content),
}


async def test_every_form_of_a_request_is_the_same_request(shared: Cluster, ledger: Ledger) -> None:
    """The body arrives upstream byte for byte, and the headers by their names, not by their looks."""

    async def check(form: Callable[[bytes], bytes]) -> None:
        label = uuid4().hex
        content = json.dumps(body("text events=3", label=label)).encode()
        async with Wire.to(shared.url) as wire:
            wire.write(_LINE, form(content))
            answer = await wire.answer()
            assert answer.status == 200, answer.body
            assert answer.body.endswith(b'{"type":"message_stop"}\n\n')
        (call,) = await ledger.called(label)
        assert call["body_sha256"] == hashlib.sha256(content).hexdigest()
        assert call["headers"]["anthropic-version"] == "2023-06-01"

    await each(check, {name: (form,) for name, form in FORMS.items()})


async def test_betas_travel_whatever_they_are(shared: Cluster, ledger: Ledger) -> None:
    """Eight that nobody knows, in two headers."""
    betas, label = [f"unknown-{number}-2031-01-01" for number in range(8)], uuid4().hex
    content = json.dumps(body("text events=3", label=label)).encode()
    headers = f"anthropic-beta: {','.join(betas[:5])}\r\nAnthropic-Beta: {', '.join(betas[5:])}\r\n".encode()
    async with Wire.to(shared.url) as wire:
        wire.write(_LINE, _HEADERS, headers, _plain(content))
        assert (await wire.answer()).status == 200
    (call,) = await ledger.called(label)
    assert [beta.strip() for beta in call["headers"]["anthropic-beta"].split(",")] == betas


async def test_a_target_in_absolute_form(shared: Cluster) -> None:
    """As a proxy would write it; `*` and a foreign method are refused."""
    content = json.dumps(body("text events=3", stream=False)).encode()
    async with Wire.to(shared.url) as wire:
        wire.write(b"POST http://sluice.example/v1/messages HTTP/1.1\r\n", _HEADERS, _plain(content))
        assert (await wire.answer()).status == 200
    for line in (b"OPTIONS * HTTP/1.1\r\n", b"CONNECT sluice:443 HTTP/1.1\r\n", b"BREW /pot HTTP/1.1\r\n"):
        async with Wire.to(shared.url) as wire:
            wire.write(line, _HEADERS, b"\r\n")
            answer = await wire.answer()
            assert 400 <= answer.status < 500, line
            assert answer.error["message"]


@pytest.mark.parametrize("expectation", [b"100-continue", b"100-Continue"])
async def test_a_client_that_asks_before_it_sends(shared: Cluster, ledger: Ledger, expectation: bytes) -> None:
    """It is told to go on, sends, and gets its answer; the connection goes on as well."""
    label = uuid4().hex
    content = json.dumps(body("text events=3", label=label)).encode()
    async with Wire.to(shared.url) as wire:
        for calls in (1, 2):
            wire.write(_LINE, _HEADERS, b"Expect: %b\r\ncontent-length: %d\r\n\r\n" % (expectation, len(content)))
            assert (await wire.answer()).status == 100
            wire.write(content)
            assert (await wire.answer()).status == 200
            assert len(await ledger.called(label, calls)) == calls


@pytest.mark.parametrize("path", [b"/", b"/v1/messages", b"/healthz", b"/v1/nothing"])
async def test_a_probe_confuses_nobody(shared: Cluster, path: bytes) -> None:
    """HEAD has an answer without a body, and the next request on its connection has its own."""
    async with Wire.to(shared.url) as wire:
        wire.write(b"HEAD %b HTTP/1.1\r\nhost: sluice\r\n\r\n" % path)
        assert (await wire.answer(to_head=True)).status < 500
        wire.write(b"GET /healthz HTTP/1.1\r\nhost: sluice\r\n\r\n")
        answer = await wire.answer()
        assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})


async def test_pipelined_requests_are_answered_in_order(shared: Cluster) -> None:
    """A stream, an answer, an error and a page, asked for in one write."""
    stream, whole = (json.dumps(body("text events=30", stream=stream)).encode() for stream in (True, False))
    async with Wire.to(shared.url) as wire:
        wire.write(
            *(_LINE + _HEADERS + _plain(content) for content in (stream, whole, b"{}")),
            b"GET /healthz HTTP/1.1\r\nhost: sluice\r\n\r\n",
        )
        answers = [await wire.answer() for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 400, 200]
    assert answers[0].headers["content-type"].startswith("text/event-stream")
    assert json.loads(answers[1].body)["type"] == "message"


# What two servers could read differently -> the headers that frame the body. Behind them stands a second request.
SMUGGLES = {
    "a length and chunks": b"content-length: 5\r\ntransfer-encoding: chunked\r\n",
    "chunks and a length": b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    "two lengths": b"content-length: 5\r\ncontent-length: 6\r\n",
    "the same length twice": b"content-length: 5\r\ncontent-length: 5\r\n",
    "a list of lengths": b"content-length: 5, 5\r\n",
    "a signed length": b"content-length: +5\r\n",
    "a negative length": b"content-length: -5\r\n",
    "a hexadecimal length": b"content-length: 0x5\r\n",
    "a length with a gap": b"content-length: 5 5\r\n",
    "an endless length": b"content-length: 99999999999999999999999\r\n",
    "a space before the colon": b"transfer-encoding : chunked\r\n",
    "an unknown coding": b"transfer-encoding: gzip\r\n",
    "chunks that are not the last coding": b"transfer-encoding: chunked, gzip\r\n",
    "a coding that looks like chunks": b"transfer-encoding: xchunked\r\n",
    "a folded coding": b"transfer-encoding:\r\n chunked\r\ncontent-length: 5\r\n",
    "a bare line feed": b"x: y\ncontent-length: 5\r\n",
    "a null byte": b"x: y\0\r\ncontent-length: 5\r\n",
}


async def test_no_request_is_smuggled(shared: Cluster, ledger: Ledger) -> None:
    """Where a request ends must not be a matter of opinion: one refusal, the connection is closed, nothing is asked."""
    label = uuid4().hex
    content = json.dumps(body("text events=3", label=label)).encode()
    second = _LINE + _HEADERS + _plain(content)

    async def check(framing: bytes) -> None:
        async with Wire.to(shared.url) as wire:
            wire.write(_LINE, _HEADERS, framing, b"\r\n", b"0\r\n\r\n", second)
            answer = await wire.answer()
            assert (answer.status, answer.error["type"]) == (400, "invalid_request_error")
            assert await wire.closed()

    await each(check, {name: (framing,) for name, framing in SMUGGLES.items()})
    assert await ledger.calls(label) == []


def _with(more: str) -> bytes:
    """A good body with this in front of its other fields."""
    return b"{" + more.encode() + b", " + json.dumps(body("text events=3")).encode()[1:]


_GOOD = json.dumps(body("text events=3")).encode()
# What a body is -> its bytes, and a word of our refusal, or "" where the upstream judges it.
BODIES = {
    "duplicate keys": (_with('"stream": false, "x": 1, "x": {"y": 2, "y": 3}'), ""),
    "a big integer": (_with('"x": ' + "9" * 5000), ""),
    "a big number": (_with('"x": 1e999'), ""),
    "spaces": (b" \r\n\t" + _GOOD.replace(b", ", b"\t,\n ") + b"\n\n", ""),
    "a hundred levels": (_with('"x": ' + "[" * 100 + "]" * 100), ""),
    "a null character": (_with('"x": "\\u0000"'), ""),
    "a name of a megabyte": (_with(f'"{"x" * (1 << 20)}": 1'), ""),
    "a hundred thousand levels": (_with('"x": ' + "[" * 100_000 + "]" * 100_000), "nested"),
    "a hundred thousand objects": (_with('"x": ' + '{"x":' * 100_000 + "1" + "}" * 100_000), "nested"),
    "a lone surrogate": (_with('"x": "\\ud800"'), "escape"),  # Claude refuses it too: "no low surrogate in string"
    "a lone surrogate in a name": (_with('"\\udfff": 1'), "surrogate"),
    "not a number": (_with('"x": NaN'), "JSON"),
    "infinity": (_with('"x": -Infinity'), "JSON"),
    "a number with a zero": (_with('"x": 01'), "JSON"),
    "a comma too much": (_GOOD[:-1] + b",}", "JSON"),
    "two objects": (_GOOD + _GOOD, "JSON"),
    "a byte order mark": (b"\xef\xbb\xbf" + _GOOD, "byte order mark"),
    "UTF-16": (_GOOD.decode().encode("utf-16"), "UTF-16"),
    "nothing": (b"", "empty"),
    "compressed": (gzip.compress(_GOOD), "gzip"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_is_passed_on_unchanged_or_refused(api: Api, direct: Api, name: str) -> None:
    """What we let pass reaches the upstream byte for byte and gets its answer; the rest is a clear 400, never a 5xx."""
    content, word = BODIES[name]
    response = await api.send("POST", "/v1/messages", content=content)
    if word:
        assert response.status_code == 400
        assert word in response.json()["error"]["message"]
        assert "sluice-job-id" not in response.headers
        return
    newest = (await direct.send("GET", "/simulator/calls", params={"limit": 10})).json()
    assert hashlib.sha256(content).hexdigest() in [call["body_sha256"] for call in newest]
    assert response.status_code == (await direct.send("POST", "/v1/messages", content=content)).status_code


async def test_a_compressed_body_is_refused_by_its_header(api: Api) -> None:
    """The sentence says what to do instead."""
    response = await api.send(
        "POST", "/v1/messages", content=gzip.compress(_GOOD), headers={"content-encoding": "gzip"}
    )
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "content-encoding: gzip is not supported; send the body as it is."
