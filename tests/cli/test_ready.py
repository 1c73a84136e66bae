import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from cli.command import CannotGoOn
from cli.ready import Ready, wait_until_ready

Serve = Callable[..., Awaitable[str]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serves answers of (status, body), one a request, the last one for ever; returns the URL."""
    servers: list[asyncio.Server] = []

    async def start(*answers: tuple[int, str]) -> str:
        left = list(answers)

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            status, body = left.pop(0) if len(left) > 1 else left[0]
            head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            writer.write((head + body).encode())
            await writer.drain()
            writer.close()

        servers.append(await asyncio.start_server(answer, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}/readyz"

    yield start
    for server in servers:
        server.close()


async def test_it_waits_until_all_say_what_they_have_to(serve: Serve) -> None:
    """First 503, then too few workers, then ready; another one besides."""
    gateway = await serve((503, "{}"), (200, '{"workers": 0}'), (200, '{"workers": null}'), (200, '{"workers": 2}'))
    worker = await serve((200, "{}"))
    await wait_until_ready([Ready(gateway, {"workers": 2}), Ready(worker, {})], 10)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((503, '{"redis": false}'), r"answers 503: \{\"redis\": false\}"),
        ((200, '{"workers": 0}'), "says that workers is 0"),
        ((200, "{}"), "says that workers is None"),
        ((200, "hello"), "says that workers is None"),
        ((200, "[]"), "says that workers is None"),
        ((502, "<p>bad gateway"), "answers 502: <p>bad gateway"),
    ],
)
async def test_after_the_limit_it_says_what_is_missing(answer: tuple[int, str], why: str, serve: Serve) -> None:
    """The URL, and the last answer."""
    url = await serve(answer)
    with pytest.raises(CannotGoOn, match=f"Not ready after 0.1 s: {url} {why}"):
        await wait_until_ready([Ready(url, {"workers": 1})], 0.1)


async def test_nobody_there_is_not_ready(port: int) -> None:
    """A refused connection is waited out, up to the limit."""
    began = time.monotonic()
    with pytest.raises(CannotGoOn, match="does not answer"):
        await wait_until_ready([Ready(f"http://127.0.0.1:{port}/readyz", {})], 0.2)
    assert 0.2 <= time.monotonic() - began < 5


async def test_a_proxy_of_the_environment_is_not_asked(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    """Addresses of this machine are asked directly."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    await wait_until_ready([Ready(await serve((200, "{}")), {})], 1)
