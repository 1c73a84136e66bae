"""Calls to an upstream, as a worker makes them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from streamlog.jobs import Request
from tests.support import said
from worker.pace import Pace
from worker.upstream import Answer, Upstream

BODY = (
    b'{"model": "claude-x",  "max_tokens":8, "messages":[], "stream":true, "new_field": {"k\xc3\xa9y": [1.0, 1e2]}}\n'
)
ANSWER = b"".join(said.answer("Hello"))
UNLIMITED = 10.0**9  # reads a second


def paced(most_per_s: float = UNLIMITED) -> Pace:
    """Of whose beats nobody hears."""
    return Pace(most_per_s, on_beat=lambda beat_s: None)


def request(
    path: str = "/v1/messages",
    headers: Mapping[str, str] = {"anthropic-version": "2023-06-01"},
    *,
    stream: bool = True,
    method: str = "POST",
) -> Request:
    return Request(method, path, headers, BODY if method == "POST" else b"", "claude-x", stream)


@asynccontextmanager
async def calling(
    url: str, *, idle_s: float = 5.0, run_limit_s: float = 5.0, connections: int = 20, pace: Pace | None = None
) -> AsyncIterator[Upstream]:
    """A client of that upstream."""
    with pytest.MonkeyPatch.context() as env:
        env.setenv("ANTHROPIC_API_KEY", "upstream-secret")
        env.setenv("ANTHROPIC_BASE_URL", url)
        env.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
        upstream = Upstream(
            connections=connections,
            connect_s=1.0,
            idle_s=idle_s,
            run_limit_s=run_limit_s,
            pace=pace or paced(),
        )
    try:
        yield upstream
    finally:
        await upstream.close()


async def parts(answer: Answer) -> AsyncIterator[bytes]:
    """The body, as it arrives."""
    while part := await answer.read():
        yield part


async def read(upstream: Upstream, asked: Request | None = None) -> bytes:
    async with upstream.open(asked or request()) as answer:
        return b"".join([part async for part in parts(answer)])
