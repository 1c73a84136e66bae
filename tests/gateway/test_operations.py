"""gateway/operations.py and gateway/app.py: health, readiness, metrics, and documentation that loads nothing."""

import asyncio
import re

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from gateway.openapi import ERROR_SCHEMA
from tests.gateway.house import MESSAGE, House, open_house
from tests.support.facts import until
from tests.support.valkey import Valkey


async def test_health_is_the_loops_alone(house: House) -> None:
    """200 as long as it turns."""
    response = await house.api.send("GET", "/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def test_ready_tells_what_this_gateway_sees(house: House) -> None:
    """Redis, the drain, live workers, the queue, its open responses."""
    await house.world.claims("one").sweep()
    job_id = await house.api.submit(MESSAGE)
    async with house.api.follow(job_id):
        await house.subscribers(1)
        response = await house.api.send("GET", "/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "redis": True,
        "draining": False,
        "workers": 1,
        "queued": 1,
        "subscribers": 1,
    }


async def test_ready_without_redis_is_503_within_two_seconds() -> None:
    """A load balancer's probe does not hang on a frozen Redis."""
    valkey = Valkey()
    try:
        async with open_house(valkey.url, redis_timeout_s=0.3) as house:
            valkey.freeze()
            response = await asyncio.wait_for(house.api.send("GET", "/readyz"), 2.5)
            assert response.status_code == 503
            assert response.json()["ready"] is response.json()["redis"] is False
            assert response.json()["workers"] is response.json()["queued"] is None
            valkey.thaw()
            await until(lambda: house.service.line.connected)
            assert (await house.api.send("GET", "/readyz")).status_code == 200
    finally:
        valkey.thaw()
        valkey.close()


async def test_metrics_in_both_formats(house: House) -> None:
    """As the `Accept` header asks; the fleet's gauges are what Redis says."""
    await house.api.submit(MESSAGE)
    await house.service.fleet.read()
    response = await house.api.send("GET", "/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    values = {family.name: family.samples for family in plain(response.text)}
    assert values["sluice_queue_depth"][0].value == 1
    assert values["sluice_queue_oldest_seconds"][0].value >= 0
    accept = {"accept": "application/openmetrics-text; version=1.0.0"}
    response = await house.api.send("GET", "/metrics", headers=accept)
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert "sluice_queue_depth" in {family.name for family in openmetrics(response.text)}  # type: ignore[no-untyped-call]  # untyped there


async def test_the_documentation_loads_nothing_from_elsewhere(house: House) -> None:
    """Its page, its script and its style come from here: offline machines exist."""
    page = await house.api.send("GET", "/docs")
    assert page.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert links
    for link in links:
        assert link.startswith("/"), link
        assert (await house.api.send("GET", link)).status_code == 200


async def test_the_openapi_document_names_every_call_and_its_errors(house: House) -> None:
    """With the body as it passes through, and the one shape of all errors."""
    document = (await house.api.send("GET", "/openapi.json")).json()
    assert set(document["paths"]) == {
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/models",
        "/v1/models/{model_id}",
        "/v1/jobs",
        "/v1/jobs/{job_id}",
        "/v1/jobs/{job_id}/events",
        "/v1/jobs/{job_id}/cancel",
        "/chat",
        "/{assistant}/ask",
        "/v1/assistants",
        "/v1/conversations",
        "/v1/conversations/{conversation_id}",
        "/v1/conversations/{conversation_id}/messages",
        "/healthz",
        "/readyz",
        "/metrics",
    }
    for path in ("/v1/messages", "/v1/jobs"):
        call = document["paths"][path]["post"]
        schema = call["requestBody"]["content"]["application/json"]["schema"]
        assert schema["required"] == ["model", "max_tokens", "messages"]
        assert schema["additionalProperties"] is True
        assert call["responses"]["4XX"]["content"]["application/json"]["schema"] == ERROR_SCHEMA


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/docs"])
async def test_operations_need_no_key(valkey: Valkey, path: str) -> None:
    """Whoever runs it is not a client."""
    async with open_house(valkey.url, api_keys="another-key") as house:
        assert (await house.api.send("GET", path, headers={"x-api-key": ""})).status_code == 200
