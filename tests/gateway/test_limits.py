"""A client's limits at the gateway: 429 with the reason and a small true wait, in the API's shape; retention too."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from gateway.clients import hashed
from tests.gateway.house import KEY, MESSAGE, House, open_house
from tests.support import said
from tests.support.api import Api
from tests.support.series import Moved
from tests.support.valkey import Valkey

CLIENTS = f"""
[clients.rated]
keys = ["{hashed(KEY)}"]
requests_a_minute = 2
[clients.spender]
keys = ["{hashed("spender-key")}"]
tokens_a_minute = 1200
[clients.narrow]
keys = ["{hashed("narrow-key")}"]
streams_at_once = 1
[clients.brief]
keys = ["{hashed("brief-key")}"]
keep_attached_s = 7
keep_detached_s = 70
"""


@pytest.fixture
async def limited(valkey: Valkey, tmp_path: Path) -> AsyncIterator[House]:
    """A gateway with a file of clients."""
    file = tmp_path / "clients.toml"
    file.write_text(CLIENTS)
    async with open_house(valkey.url, clients_file=str(file)) as house:
        yield house


def _refusal(response: httpx2.Response) -> tuple[int, str, str, int]:
    error = response.json()["error"]
    return (
        response.status_code,
        error["type"],
        error["details"]["error_code"],
        int(response.headers["retry-after"]),
    )


async def test_too_many_requests_a_minute(limited: House) -> None:
    """Every kind of call that starts work is one; looking, following and cancelling are none."""
    moved = Moved()
    job_id = await limited.api.submit(MESSAGE)
    await limited.api.submit(MESSAGE)
    for path in ("/v1/jobs", "/v1/messages", "/v1/messages/count_tokens"):
        response = await limited.api.send("POST", path, json=MESSAGE)
        assert _refusal(response) == (429, "rate_limit_error", "requests_limited", 30)
        assert "2 requests a minute" in response.json()["error"]["message"]
    assert (await limited.api.view(job_id))["state"] == "queued"
    await limited.api.cancel(job_id)
    assert moved.by("sluice_rejections_total", "reason=requests_limited") == 3


async def test_too_many_tokens_a_minute(limited: House) -> None:
    """What Claude has told counts; one answer may overdraw the budget."""
    async with Api(limited.url, "spender-key") as api:
        await api.submit(MESSAGE)
        hand = await limited.claimed()
        fields = ("used", "1300", "used_final", "1")
        await hand.says(said.start(), said.text("a"), said.STOP, mark="done", fields=fields)
        code, kind, reason, wait_s = _refusal(await api.send("POST", "/v1/messages", json=MESSAGE))
    assert (code, kind, reason) == (429, "rate_limit_error", "tokens_limited")
    assert 3 <= wait_s <= 6


async def test_too_many_at_once(limited: House) -> None:
    """An ending makes room."""
    async with Api(limited.url, "narrow-key") as api:
        await api.submit(MESSAGE)
        refused = await api.send("POST", "/v1/messages", json=MESSAGE)
        assert _refusal(refused) == (429, "rate_limit_error", "streams_limited", 1)
        await (await limited.claimed()).says(said.start(), said.text("a"), said.STOP, mark="done")
        await api.submit(MESSAGE)


async def test_an_owner_is_a_client_not_a_key(limited: House) -> None:
    """So that its jobs stay its own when a key is changed."""
    await limited.api.submit(MESSAGE)
    record = await limited.world.record((await limited.claimed()).job_id)
    assert record.owner == "client:rated"


async def test_retention_is_the_clients(limited: House) -> None:
    """Attached and detached: record and log live that long after the end, and no longer."""
    async with Api(limited.url, "brief-key") as api:
        await api.submit(MESSAGE)
        await _answered_and_kept(limited, 70)
        answering = asyncio.create_task(api.answer(MESSAGE))
        await _answered_and_kept(limited, 7)
        await answering


async def _answered_and_kept(house: House, seconds: int) -> None:
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"), said.STOP, mark="done")
    for key in (house.world.keys.log(hand.job_id), house.world.keys.record(hand.job_id)):
        assert (seconds - 5) * 1000 < await house.world.call("PTTL", key) <= seconds * 1000
