"""What the SDK's HTTP client sends through: a pool of plain connections, without the layers of the default one.

The default stack costs about 57 of the 86 µs that a worker spends per paced event, and 1 ms of each first token
(measured). Redirects, authentication, decompression and proxies stay above this, in httpx2 and the SDK; a call through
a proxy does not come here.
Invariant: a connection serves one exchange at a time and is kept only after an exchange that ended in order.
Does not know: Claude, jobs.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from time import monotonic

import httpx2

from worker.pace import Pace
from worker.wire import Pour, Wire

_KEEP_S = 20.0
READ = "sluice.read"  # a response's extension: reads its body past the layers that would iterate over it


class DirectTransport(httpx2.AsyncBaseTransport):
    """Keeps at most `keep` idle connections, each for 20 s. Raises httpx2's exceptions, as its own transport does."""

    def __init__(self, keep: int, pace: Pace) -> None:
        self._keep = keep
        self._pace = pace
        self._idle: dict[tuple[str, str, int], list[tuple[float, Wire]]] = {}
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        limits = request.extensions.get("timeout", {})
        content = await request.aread()
        origin = (request.url.scheme, request.url.host, request.url.port or _port(request.url.scheme))
        wire = self._kept(origin) or await self._connect(origin, limits.get("connect"))
        try:
            await wire.send(_head(request), content, limits.get("write"))
            await wire.head(limits.get("read"))
        except BaseException:
            wire.abort()
            raise
        body = _Body(self, origin, wire, limits.get("read"))
        # The client's own log lines ask for the reason, and to find one for a status costs 4 µs.
        extensions = {"http_version": b"HTTP/1.1", "reason_phrase": wire.reason, READ: body.read}
        return httpx2.Response(wire.status, headers=wire.headers, stream=body, extensions=extensions)

    async def aclose(self) -> None:
        for kept in self._idle.values():
            for _, wire in kept:
                wire.abort()
        self._idle.clear()

    def _kept(self, origin: tuple[str, str, int]) -> Wire | None:
        """The connection used last: it is the least likely to have been given up."""
        kept = self._idle.get(origin, [])
        while kept:
            since, wire = kept.pop()
            if not wire.closed and monotonic() - since < _KEEP_S:
                return wire
            wire.abort()
        return None

    def keep(self, origin: tuple[str, str, int], wire: Wire) -> None:
        """Take a connection back after its exchange."""
        kept = self._idle.setdefault(origin, [])
        if wire.reusable and len(kept) < self._keep:
            kept.append((monotonic(), wire))
        else:
            wire.abort()

    async def _connect(self, origin: tuple[str, str, int], timeout_s: float | None) -> Wire:
        scheme, host, port = origin
        if scheme not in ("http", "https"):
            raise httpx2.UnsupportedProtocol(f"the upstream's address must be http or https, not {scheme!r}")
        tls = self._tls_context() if scheme == "https" else None
        try:
            async with asyncio.timeout(timeout_s):
                _, wire = await asyncio.get_running_loop().create_connection(
                    lambda: Wire(self._pace), host, port, ssl=tls
                )
        except TimeoutError:
            raise httpx2.ConnectTimeout(f"no connection to {host}:{port} within {timeout_s} s") from None
        except OSError as error:  # ssl's errors too
            raise httpx2.ConnectError(f"no connection to {host}:{port}: {error}") from error
        return wire

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = httpx2.create_ssl_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


class _Body(httpx2.AsyncByteStream):
    """A response's body; closing it before its end closes the connection."""

    def __init__(
        self, transport: DirectTransport, origin: tuple[str, str, int], wire: Wire, timeout_s: float | None
    ) -> None:
        self._transport = transport
        self._origin = origin
        self._wire: Wire | None = wire
        self._timeout_s = timeout_s

    async def read(self, pour: Pour | None = None) -> bytes:
        """What has come, at least one byte; b"" at the end, or behind `aclose`. `pour` as in `Wire.read`."""
        return b"" if self._wire is None else await self._wire.read(self._timeout_s, pour)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self.read():
            yield data

    async def aclose(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            self._transport.keep(self._origin, wire)


def _head(request: httpx2.Request) -> bytes:
    headers = request.headers.raw
    if request.method not in ("GET", "DELETE") and not any(name.lower() == b"content-length" for name, _ in headers):
        raise httpx2.LocalProtocolError("a request body of unknown length")
    lines = [b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [b"%s: %s" % header for header in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
