"""HTTP on one socket: requests in any cut, answers in order, limits on what is not yet a request."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from simulator import connection
from simulator.server import Simulator
from tests.simulator.calls import HEADERS, body
from tests.support.facts import true

HEALTH = b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"


@dataclass
class Line:
    """A raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def response(self) -> tuple[int, bytes]:
        """The next response with a length: its status and body."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 5)).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        return int(head.split(b" ")[1]), await self.reader.readexactly(length)

    async def rest(self) -> bytes:
        """What comes until the simulator closes."""
        return await asyncio.wait_for(self.reader.read(), 5)


@pytest.fixture
async def line(simulator: Simulator) -> AsyncIterator[Line]:
    host, port = simulator.base_url.removeprefix("http://").split(":")
    line = Line(*await asyncio.open_connection(host, int(port)))
    yield line
    line.writer.close()


def post(content: bytes, *extra: str) -> bytes:
    lines = [f"{name}: {value}" for name, value in HEADERS.items()]
    head = ["POST /v1/messages HTTP/1.1", "host: a", *lines, *extra, f"content-length: {len(content)}", "", ""]
    return "\r\n".join(head).encode() + content


async def test_a_request_byte_by_byte(line: Line) -> None:
    """A request may come in pieces of one byte."""
    for byte in post(json.dumps(body()).encode()):
        line.send(bytes([byte]))
        await asyncio.sleep(0)
    status, answer = await line.response()
    assert status == 200
    assert json.loads(answer)["role"] == "assistant"


async def test_pipelined_requests(line: Line) -> None:
    """Requests that come together are answered one after another, in their order."""
    line.send(HEALTH + post(json.dumps(body("[[sim:text first_token_ms=30]]")).encode()) + HEALTH)
    answers = [await line.response() for _ in range(3)]
    assert [json.loads(answer).get("status") for _, answer in answers] == ["ok", None, "ok"]


async def test_a_request_behind_an_open_answer(line: Line, simulator: Simulator) -> None:
    """A request that comes while an answer is open waits for the end of that answer."""
    line.send(post(json.dumps(body("[[sim:text first_token_ms=60]]")).encode()))

    async def open_now() -> bool:
        return simulator.ledger.open_count == 1

    await true(open_now)
    line.send(HEALTH)
    answers = [json.loads((await line.response())[1]) for _ in range(2)]
    assert [answer.get("role") for answer in answers] == ["assistant", None]


async def test_too_many_pipelined_requests(line: Line) -> None:
    """A client that asks for more than it may have open loses its connection."""
    line.send(HEALTH * (connection.MAX_PIPELINED + 2))
    await line.rest()
    assert line.reader.at_eof()


async def test_a_chunked_request(line: Line) -> None:
    """A body may come in chunks."""
    content = json.dumps(body()).encode()
    head = post(b"").replace(b"content-length: 0", b"transfer-encoding: chunked")
    line.send(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content))
    assert (await line.response())[0] == 200


async def test_expect_continue(line: Line) -> None:
    """A client that asks first is told to go on."""
    content = json.dumps(body()).encode()
    request = post(content, "expect: 100-continue")
    line.send(request.removesuffix(content))
    assert await line.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    line.send(content)
    assert (await line.response())[0] == 200


async def test_one_byte_writes(line: Line) -> None:
    """The scenario of that name sends each byte in a chunk of its own."""
    content = json.dumps(body(model="claude-sim-one-byte-writes-events-2", stream=True)).encode()
    line.send(post(content, "connection: close"))
    chunks = (await line.rest()).split(b"\r\n\r\n", 1)[1]
    assert re.fullmatch(rb"(?:1\r\n.\r\n)+0\r\n\r\n", chunks, re.DOTALL)


@pytest.mark.parametrize(
    ("sent", "status", "error_type"),
    [
        (b"nonsense\r\n\r\n", 400, "invalid_request_error"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 505, "invalid_request_error"),
        (b"GET / HTTP/1.1\r\na: " + b"b" * connection.MAX_HEADER_BYTES + b"\r\n\r\n", 431, "invalid_request_error"),
        (b"GET / HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", 400, "invalid_request_error"),
    ],
)
async def test_what_is_no_request(line: Line, sent: bytes, status: int, error_type: str) -> None:
    """Bytes that are no request get an error in the API's shape, and the connection closes."""
    line.send(sent)
    got, answer = await line.response()
    assert got == status
    assert json.loads(answer)["error"]["type"] == error_type
    assert await line.rest() == b""


async def test_connection_close(line: Line) -> None:
    """A client that asks for it gets its connection closed behind the answer."""
    line.send(HEALTH.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
    assert (await line.response())[0] == 200
    assert await line.rest() == b""


async def test_a_request_that_never_comes(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that brings no whole request in time is closed."""
    monkeypatch.setattr(connection, "IDLE_S", 0.05)
    line.send(HEALTH)
    assert (await line.response())[0] == 200
    line.send(HEALTH[:10])
    assert await line.rest() == b""


@pytest.mark.parametrize("scenario", ["stall", "long tps=100"])
async def test_an_open_answer_is_not_idle(
    line: Line, monkeypatch: pytest.MonkeyPatch, simulator: Simulator, scenario: str
) -> None:
    """The limit is for requests: an answer may take as long as it takes."""
    monkeypatch.setattr(connection, "IDLE_S", 0.05)
    line.send(HEALTH)
    assert (await line.response())[0] == 200
    line.send(post(json.dumps(body(f"[[sim:{scenario}]]", stream=True)).encode()))
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(line.reader.read(), 0.15)
    assert simulator.ledger.open_count == 1
