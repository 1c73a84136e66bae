"""The one way to Claude: raw bytes through the anthropic SDK.

Invariant: the request travels as the client sent it (body bytes, query, version and beta headers), with our key and
nothing of the client's; what comes back is bytes. The SDK retries nothing: `generate` owns the retries. Every failure
becomes an `UpstreamFailed`.
Does not know: jobs, frames, Redis.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import anthropic
import httpx2
from anthropic import Omit

from streamlog.jobs import Request
from worker.pace import Pace
from worker.retries import Refusal, UpstreamFailed
from worker.transport import READ, DirectTransport
from worker.upstream_client import Client
from worker.wire import Pour

Read = Callable[[Pour | None], Awaitable[bytes]]

_DRAIN_S = 1.0
_REFUSAL_BYTES = 64 * 1024
_KEY_AS_BEARER_SINCE = "2026-10-21"
_VERSION = "2023-06-01"
_OMITTED = Omit()
_TRAVELS_BACK = ("request-id", "retry-after", "x-should-retry", "content-type")


class NoCredentials(Exception):
    """The SDK finds no key and no token in the environment."""


class Answer:
    """An open response with status 200. `headers` are those that travel on to the client."""

    def __init__(self, response: httpx2.Response) -> None:
        self.headers = _travelling(response.headers)
        # Past the layers that decompress, where nothing is compressed.
        plain = "content-encoding" not in response.headers
        read: Read | None = response.extensions.get(READ) if plain else None
        self._read = read or _reader(response.aiter_bytes())

    async def read(self, pour: Pour | None = None) -> bytes:
        """The next part of the body, as it arrives; b"" at its proper end.

        `pour` may be offered parts as they come, past the task that waits here; those that it takes (it answers how
        many events they were, else None) are not returned. Raises `UpstreamFailed` when the body is cut or silent.
        """
        try:
            return await self._read(pour)
        except httpx2.HTTPError as error:
            raise UpstreamFailed(_cut_by(error)) from error

    async def drain(self) -> None:
        """Read to the end, within a second, so that the connection can serve again."""
        with contextlib.suppress(TimeoutError, httpx2.HTTPError):
            async with asyncio.timeout(_DRAIN_S):
                while await self._read(None):
                    pass


class Upstream:
    """Holds the SDK's client, and so the upstream key. Call `close` when done. Raises `NoCredentials`."""

    def __init__(self, *, connections: int, connect_s: float, idle_s: float, run_limit_s: float, pace: Pace) -> None:
        http = anthropic.DefaultAsyncHttpxClient(transport=DirectTransport(connections, pace))
        with _credentials_named():
            self._client = Client(max_retries=0, http_client=http)
        self._stream_timeout = httpx2.Timeout(connect=connect_s, read=idle_s, write=idle_s, pool=connect_s)
        # A message that does not stream is silent until it is there.
        self._whole_timeout = httpx2.Timeout(connect=connect_s, read=run_limit_s, write=idle_s, pool=connect_s)

    @property
    def base_url(self) -> str:
        return str(self._client.base_url)

    async def close(self) -> None:
        await self._client.close()

    async def warm_up(self) -> bool:
        """Make one call that costs nothing, so that the first client does not pay for imports and handshakes.

        Answers whether the upstream spoke HTTP at all. Raises `NoCredentials`.
        """
        request = Request("GET", "/v1/models?limit=1", {"anthropic-version": _VERSION}, b"", "", False)
        try:
            with _credentials_named():
                async with self.open(request, idle_s=5.0) as answer:
                    await answer.drain()
        except UpstreamFailed as failed:
            return failed.refusal is not None
        return True

    @contextlib.asynccontextmanager
    async def open(self, request: Request, idle_s: float | None = None) -> AsyncIterator[Answer]:
        """Make the call; leaving the block closes it. Raises `UpstreamFailed`, with the refusal if there is one."""
        whole = not request.stream and request.path.partition("?")[0] == "/v1/messages"
        timeout = self._whole_timeout if whole else self._stream_timeout
        content = None if request.method == "GET" else request.body
        with _failures_named():
            response = await self._client.open(
                request.method, request.path, self._headers(request), idle_s or timeout, content
            )
        try:
            yield Answer(response)
        finally:
            with contextlib.suppress(httpx2.HTTPError):
                await response.aclose()

    def _headers(self, request: Request) -> dict[str, Any]:
        headers: dict[str, Any] = {
            "content-type": "application/json",
            "anthropic-version": _OMITTED,  # a call without one is the API's to refuse
            **request.headers,
        }
        if request.stream:
            headers["accept-encoding"] = "identity"  # a compressor would hold events back
        # Before this version the API expects a key as x-api-key; since then the SDK sends it as Bearer.
        if self._client.api_key and request.headers.get("anthropic-version", "9999") < _KEY_AS_BEARER_SINCE:
            headers |= {"x-api-key": self._client.api_key, "authorization": _OMITTED}
        return headers


@contextlib.contextmanager
def _credentials_named() -> Iterator[None]:
    try:
        yield
    except (TypeError, anthropic.CredentialsError) as error:  # TypeError is what the SDK raises without any
        raise NoCredentials(str(error)) from error


@contextlib.contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except anthropic.APIStatusError as error:
        response = error.response
        refusal = Refusal(response.status_code, _travelling(response.headers), response.content[:_REFUSAL_BYTES])
        raise UpstreamFailed("upstream_error", refusal=refusal) from error
    except anthropic.APIConnectionError as error:  # a timeout too
        raise UpstreamFailed(_code_of(error.__cause__)) from error
    except httpx2.HTTPError as error:
        raise UpstreamFailed(_cut_by(error)) from error


def _cut_by(error: httpx2.HTTPError) -> str:
    """What ended an answer."""
    match error:
        case httpx2.TimeoutException():
            return "upstream_stalled"
        case httpx2.DecodingError():
            return "upstream_garbled"
    return "upstream_cut"


def _code_of(cause: BaseException | None) -> str:
    """Which failure it was that the SDK wrapped."""
    match cause:
        case httpx2.ReadTimeout() | httpx2.WriteTimeout():
            return "upstream_stalled"
        case httpx2.RemoteProtocolError() | httpx2.ReadError():
            return "upstream_cut"
    return "upstream_unreachable"


def _reader(parts: AsyncIterator[bytes]) -> Read:
    """For a response that came by another transport (a proxy's), or compressed."""

    async def read(_pour: Pour | None) -> bytes:
        return await anext(parts, b"")

    return read


def _travelling(headers: httpx2.Headers) -> dict[str, str]:
    """As Latin-1, in which any bytes are text, and in which the gateway will send them."""
    told = httpx2.Headers(headers.raw, encoding="latin-1").items()
    return {name: value for name, value in told if name in _TRAVELS_BACK or name.startswith("anthropic-")}
