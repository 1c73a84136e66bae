"""gateway/intake.py: bodies on their way in, within their limits."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import Request as HttpRequest

from gateway.intake import Intake
from gateway.settings import GatewaySettings
from streamlog.errors import ClientError, InternalError

SMALL = GatewaySettings(body_bytes=1024, bodies_bytes=2048, body_s=0.1)


async def read_body(request: HttpRequest, settings: GatewaySettings) -> bytes:
    """The body; whatever becomes of it, nothing of it stays held."""
    intake = Intake(settings)
    try:
        async with intake.body(request) as body:
            assert intake.held_bytes == len(body)
            return body
    finally:
        assert intake.held_bytes == 0


def http(parts: AsyncIterator[dict[str, Any]], **headers: str) -> HttpRequest:
    """A request whose body comes as these ASGI messages."""
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    receive: Callable[[], Awaitable[Any]] = parts.__anext__
    return HttpRequest({"type": "http", "method": "POST", "headers": named}, receive)


async def parts(*bodies: bytes, then: str = "end") -> AsyncIterator[dict[str, Any]]:
    """Body messages; `then` the body ends, the client leaves, or nothing comes any more."""
    for body in bodies:
        yield {"type": "http.request", "body": body, "more_body": True}
    if then == "leave":
        yield {"type": "http.disconnect"}
    if then == "silence":
        await asyncio.Event().wait()
    yield {"type": "http.request", "body": b"", "more_body": False}


async def endless() -> AsyncIterator[dict[str, Any]]:
    while True:
        yield {"type": "http.request", "body": b"x" * 100, "more_body": True}


async def never() -> AsyncIterator[dict[str, Any]]:
    raise AssertionError("the body was asked for")
    yield {}


async def test_a_body_is_joined_from_its_parts() -> None:
    """Exactly at the limit it is still taken."""
    assert await read_body(http(parts(b"a" * 1000, b"b" * 24), content_length="1024"), SMALL) == b"a" * 1000 + b"b" * 24


async def test_a_body_declared_too_large_is_refused_unread() -> None:
    """The sentence names both figures."""
    with pytest.raises(ClientError, match=r"1025 bytes, the limit is 1024") as error:
        await read_body(http(never(), content_length="1025"), SMALL)
    assert (error.value.code, error.value.http_status) == ("body_too_large", 413)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br", "identity, gzip"])
async def test_a_compressed_body_is_refused_unread(coding: str) -> None:
    """Its bytes would have to be changed to be judged."""
    with pytest.raises(ClientError, match="content-encoding") as error:
        await read_body(http(never(), content_encoding=coding), SMALL)
    assert error.value.http_status == 400


async def test_a_body_said_to_be_as_it_is_is_taken() -> None:
    """Some clients name that coding."""
    assert await read_body(http(parts(b"{}"), content_encoding="Identity"), SMALL) == b"{}"


async def test_a_body_of_unknown_length_is_refused_as_soon_as_it_is_too_large() -> None:
    """One that never ends is not read for ever."""
    with pytest.raises(ClientError) as error:
        await read_body(http(endless()), SMALL)
    assert error.value.code == "body_too_large"


async def test_a_body_longer_than_declared_is_refused() -> None:
    """What the header says is no excuse."""
    with pytest.raises(ClientError) as error:
        await read_body(http(parts(b"x" * 2000), content_length="10"), SMALL)
    assert error.value.code == "body_too_large"


async def test_a_body_that_stops_coming_is_given_up() -> None:
    """After the limit for its next part, with a 400 that says so."""
    began = time.monotonic()
    with pytest.raises(ClientError, match=r"0\.1 s"):
        await read_body(http(parts(b"{", then="silence")), SMALL)
    assert time.monotonic() - began < 1


async def test_a_client_that_leaves_before_its_body_is_complete() -> None:
    """Half a body is never taken for a whole one."""
    with pytest.raises(ClientError, match="left"):
        await read_body(http(parts(b"{", then="leave")), SMALL)


async def test_all_bodies_together_have_a_limit() -> None:
    """One more is refused, with the figures, until one of them is on its way."""
    intake = Intake(SMALL)
    async with intake.body(http(parts(b"x" * 1000))), intake.body(http(parts(b"x" * 1000))):
        with pytest.raises(InternalError, match="hold 2000 bytes, the limit is 2048") as error:
            async with intake.body(http(parts(b"x" * 100))):
                pytest.fail("it was taken")
        assert (error.value.code, error.value.http_status, error.value.retry_after_s) == ("intake_full", 529, 1)
        assert intake.held_bytes == 2000
    async with intake.body(http(parts(b"x" * 1000))) as body:
        assert len(body) == 1000
