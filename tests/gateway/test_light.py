"""gateway/light.py: calls that generate nothing are jobs in a lane of their own."""

import asyncio
import json
from typing import Any

import pytest

from streamlog.claims import Claim
from streamlog.keys import Lane
from tests.gateway.house import MESSAGE, House
from tests.support.facts import fact

COUNT = {"model": "claude-test", "messages": MESSAGE["messages"], "unknown": [1.0]}


async def claimed(house: House) -> Claim:
    """The job that waits in the light lane."""

    async def claim() -> Claim | None:
        claims = await house.world.claims().claim(1, Lane.LIGHT)
        return claims[0] if claims else None

    return await fact(claim, 5.0)


async def answered(house: House, method: str, path: str, **options: Any) -> tuple[Claim, Any]:
    """A call, answered by a worker with `{"answer": 1}`."""
    call = asyncio.create_task(house.api.send(method, path, **options))
    claim = await claimed(house)
    writer = house.world.writer(claim)
    writer.head = b'{"status": 200, "headers": {"request-id": "req_up", "anthropic-organization-id": "org"}}'
    await writer.write_whole(b'{"answer": 1}')
    return claim, await call


async def test_counting_tokens_passes_body_and_query_on(house: House) -> None:
    """And the answer back, with the upstream's headers."""
    body = json.dumps(COUNT, indent=2).encode()
    claim, response = await answered(house, "POST", "/v1/messages/count_tokens?beta=true", content=body)
    record = await house.world.record(claim.job_id)
    assert (record.method, record.path) == ("POST", "/v1/messages/count_tokens?beta=true")
    assert (record.model, record.stream, record.attached) == ("claude-test", False, True)
    assert claim.body == body
    assert (response.status_code, response.content) == (200, b'{"answer": 1}')
    assert (response.headers["request-id"], response.headers["anthropic-organization-id"]) == ("req_up", "org")
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models?limit=3&after_id=claude-x", "/v1/models/claude-x?y=%20"])
async def test_looking_up_models_passes_path_and_query_on(house: House, path: str) -> None:
    """They name no model, and have no body."""
    claim, response = await answered(house, "GET", path, headers={"anthropic-version": "2026-10-21"})
    record = await house.world.record(claim.job_id)
    assert (record.method, record.path, record.model) == ("GET", path, "none")
    assert record.headers == {"anthropic-version": "2026-10-21"}
    assert claim.body == b""
    assert response.json() == {"answer": 1}


@pytest.mark.parametrize("model_id", ["..", "%2e%2e", "a%2Fb", "a%3Fb", "-", "x" * 300])
async def test_a_models_id_is_no_path(house: House, model_id: str) -> None:
    """It is answered here, as the upstream answers a model that is not there."""
    response = await house.api.send("GET", f"/v1/models/{model_id}")
    assert response.status_code in (404, 405)
    assert response.json()["type"] == "error"
    assert await house.world.call("KEYS", house.world.keys.record("*")) == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{}", "model: Field required"),
        (b'{"model": "m"}', "messages: Field required"),
        (b'{"model": "m", "messages": 1}', "messages: Expected `array`"),
        (b"{", "not valid JSON"),
    ],
)
async def test_a_body_that_cannot_be_counted_is_refused(house: House, body: bytes, told: str) -> None:
    """As far as the gateway can tell."""
    response = await house.api.send("POST", "/v1/messages/count_tokens", content=body)
    assert response.status_code == 400
    assert told in response.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/", "/api/hello"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_client_may_probe_its_base_url(house: House, method: str, path: str) -> None:
    """Without a key, and before anything else."""
    response = await house.api.send(method, path, headers={"x-api-key": ""})
    assert response.status_code == 200
    assert (response.content == b"") is (method == "HEAD")
