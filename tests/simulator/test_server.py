"""A simulator inside a loop."""

import httpx2
import pytest

from simulator.server import Simulator
from tests.simulator.calls import HEADERS, body
from tests.support.facts import true


async def test_closing_cuts_open_streams(http: httpx2.AsyncClient, simulator: Simulator) -> None:
    """`close` ends open answers without their end, and nothing listens any more."""
    sent = body(model="claude-sim-stall", stream=True)
    async with http.stream("POST", "/v1/messages", json=sent) as response:
        await simulator.close()
        with pytest.raises(httpx2.RemoteProtocolError):
            await response.aread()

    async def none_open() -> bool:
        return simulator.ledger.open_count == 0

    await true(none_open)
    with pytest.raises(httpx2.ConnectError):
        await http.get("/healthz")


async def test_two_are_independent(simulator: Simulator) -> None:
    """Each simulator has its own address and its own ledger."""
    async with Simulator() as other, httpx2.AsyncClient(trust_env=False, headers=HEADERS) as http:
        await http.post(f"{other.base_url}/v1/messages", json=body("[[sim:text first_token_ms=0 tps=0]]"))
        assert other.base_url != simulator.base_url
        assert len(other.ledger.newest(9)) == 1
        assert simulator.ledger.newest(9) == []
