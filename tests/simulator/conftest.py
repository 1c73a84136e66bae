"""A simulator inside the test's own loop, without a pace, and two ways to call it: the SDK and plain HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx2
import pytest

from simulator.choice import Pace
from simulator.server import Simulator
from tests.simulator.calls import HEADERS

PLAIN: dict[str, Any] = {"trust_env": False, "verify": False}
"""No proxy, and no certificates to load for a loopback without TLS: that would take longer than the tests."""
UNPACED = Pace(first_token_ms=0, tokens_per_second=0)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(pace=UNPACED) as simulator:
        yield simulator


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[httpx2.AsyncClient]:
    """Plain HTTP with the headers that every call needs."""
    async with httpx2.AsyncClient(base_url=simulator.base_url, headers=HEADERS, **PLAIN) as client:
        yield client


@pytest.fixture
async def sdk(simulator: Simulator) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The official SDK as its users make it, retries apart."""
    http = anthropic.DefaultAsyncHttpxClient(**PLAIN)
    async with anthropic.AsyncAnthropic(
        api_key="a-key", base_url=simulator.base_url, max_retries=0, http_client=http
    ) as client:
        yield client
