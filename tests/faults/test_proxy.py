"""The proxy does what it is told, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from tests.faults.proxy import Proxy

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Echo:
    """A server that sends back what it gets; `ended` when a client has finished speaking."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        self.ended.set()
        writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, str]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    yield echo, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.fixture
async def proxy(echo: tuple[Echo, str]) -> AsyncIterator[Proxy]:
    async with Proxy(echo[1]) as proxy:
        yield proxy


async def _open(proxy: Proxy) -> Ends:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def _said(ends: Ends, data: bytes, within_s: float = 2.0) -> bytes:
    ends[1].write(data)
    async with asyncio.timeout(within_s):
        return await ends[0].readexactly(len(data))


async def _is_reset(ends: Ends) -> bool:
    async with asyncio.timeout(2.0):
        try:
            return await ends[0].read(1) == b""
        except ConnectionResetError:
            return True


async def test_it_carries(proxy: Proxy) -> None:
    """Bytes arrive as they were sent, both ways, and are counted."""
    data = bytes(range(256)) * 4096
    assert await _said(await _open(proxy), data) == data
    assert (proxy.carried, proxy.hit) == (2 * len(data), 0)


async def test_cut(proxy: Proxy) -> None:
    """Open connections are reset and new ones refused, until it heals."""
    ends = await _open(proxy)
    await _said(ends, b"a")
    proxy.cut()
    assert await _is_reset(ends)
    assert await _is_reset(await _open(proxy))
    assert proxy.hit == 1
    proxy.heal()
    assert await _said(await _open(proxy), b"b") == b"b"


async def test_blackhole(proxy: Proxy) -> None:
    """Nothing comes through, old or new; what was sent meanwhile arrives when it opens."""
    ends = await _open(proxy)
    await _said(ends, b"a")
    proxy.blackhole()
    with pytest.raises(TimeoutError):
        await _said(ends, b"b", within_s=0.1)
    with pytest.raises(TimeoutError):
        await _said(await _open(proxy), b"c", within_s=0.1)
    proxy.heal()
    async with asyncio.timeout(2.0):
        assert await ends[0].readexactly(1) == b"b"


async def test_half_close(proxy: Proxy, echo: tuple[Echo, str]) -> None:
    """The client reads the end, and can still speak to the target."""
    ends = await _open(proxy)
    await _said(ends, b"a")
    assert proxy.half_close() == 1
    assert await ends[0].read() == b""
    assert not echo[0].ended.is_set()
    ends[1].write_eof()
    await asyncio.wait_for(echo[0].ended.wait(), 2.0)


async def test_delay_and_bandwidth(proxy: Proxy) -> None:
    """Both slow down what is carried."""
    ends = await _open(proxy)
    began = monotonic()
    proxy.delay_s = 0.1
    await _said(ends, b"a")
    assert monotonic() - began >= 0.2
    proxy.heal()
    proxy.bytes_per_s = 10_000
    began = monotonic()
    await _said(ends, b"a" * 1000)
    assert monotonic() - began >= 0.2
