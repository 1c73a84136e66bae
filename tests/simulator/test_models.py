"""GET /v1/models and GET /v1/models/{id}: pages of one order, rows of the SDK's shape, the API's refusals."""

import time
from collections.abc import AsyncIterable

import anthropic
import httpx2
import pytest
from anthropic.types import ModelInfo

from simulator.catalogue import MODELS
from tests.simulator.calls import body, calls

LISTED = [model.id for model in MODELS if model.lifecycle != "retired"]


async def page(http: httpx2.AsyncClient, **query: str) -> tuple[list[str], bool]:
    """The ids of a page, and whether there are more; its ends are named."""
    response = await http.get("/v1/models", params=query)
    assert response.status_code == 200, response.text
    found = response.json()
    ids = [row["id"] for row in found["data"]]
    assert (found["first_id"], found["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
    return ids, found["has_more"]


async def through(pages: AsyncIterable[ModelInfo]) -> list[ModelInfo]:
    """The models of all pages, as long as they are not more than there are."""
    found: list[ModelInfo] = []
    async for model in pages:
        found.append(model)
        assert len(found) <= len(MODELS), "pages overlap"
    return found


async def test_the_rows_are_the_sdks(http: httpx2.AsyncClient) -> None:
    """Every row is valid for the SDK's type, with no field more or less; the newest comes first."""
    rows = [ModelInfo.model_validate(model.info(), strict=False) for model in MODELS]
    assert all(model.info().keys() == ModelInfo.model_fields.keys() for model in MODELS)
    assert [row.created_at for row in rows] == sorted((row.created_at for row in rows), reverse=True)
    assert len({row.id for row in rows}) == len(rows)
    assert {row.lifecycle for row in rows} == {"active", "deprecated", "retired"}
    assert all((row.deprecated_at is None) is (row.lifecycle == "active") for row in rows)
    capable = next(row for row in rows if row.capabilities)
    assert capable.capabilities and capable.capabilities.thinking.types.adaptive.supported


@pytest.mark.parametrize("limit", [1, 7, 20, 1000])
async def test_the_sdk_turns_the_pages(sdk: anthropic.AsyncAnthropic, http: httpx2.AsyncClient, limit: int) -> None:
    """Going through all pages meets every listed model once, in order, in as many calls as it takes."""
    assert [model.id for model in await through(sdk.models.list(limit=limit))] == LISTED
    assert len(await calls(http)) == -(-len(LISTED) // limit)


async def test_backwards(http: httpx2.AsyncClient) -> None:
    """`before_id` gives the page just before, in the same order."""
    assert await page(http, before_id=LISTED[5], limit="3") == (LISTED[2:5], True)
    assert await page(http, before_id=LISTED[2], limit="3") == (LISTED[:2], False)
    assert await page(http, before_id=LISTED[0]) == ([], False)


async def test_forwards(http: httpx2.AsyncClient) -> None:
    """20 rows by default, `after_id` gives the next ones, and there is nothing behind the last."""
    assert await page(http) == (LISTED[:20], True)
    assert await page(http, after_id=LISTED[19]) == (LISTED[20:], False)
    assert await page(http, after_id=LISTED[-1]) == ([], False)


async def test_lifecycles(sdk: anthropic.AsyncAnthropic) -> None:
    """Retired models are listed only when they are asked for."""
    retired = await through(sdk.models.list(lifecycle=["retired"]))
    assert [model.id for model in retired] == [model.id for model in MODELS if model.lifecycle == "retired"]
    every = await through(sdk.models.list(lifecycle=["active", "deprecated", "retired"]))
    assert [model.id for model in every] == [model.id for model in MODELS]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("limit=1001", "limit: Input should be less than or equal to 1000"),
        ("limit=many", "limit: Input should be a valid integer, unable to parse string as an integer"),
        ("limit=", "limit: Input should be a valid integer, unable to parse string as an integer"),
        ("after_id=gpt", "after_id: 'gpt' is not the id of a model"),
        ("before_id=", "before_id: '' is not the id of a model"),
        (f"after_id={LISTED[0]}&before_id={LISTED[1]}", "Only one of `before_id` and `after_id` may be given"),
        ("lifecycle[]=active&lifecycle[]=born", "lifecycle.1: Input should be 'active', 'deprecated' or 'retired'"),
    ],
)
async def test_a_wrong_query(http: httpx2.AsyncClient, query: str, message: str) -> None:
    """What the list cannot be asked is a 400 that names it."""
    response = await http.get(f"/v1/models?{query}")
    assert response.status_code == 400
    assert response.json()["error"] == {"type": "invalid_request_error", "message": message}


async def test_one_model(sdk: anthropic.AsyncAnthropic, http: httpx2.AsyncClient) -> None:
    """Each listed model is found by its id as it is listed; an alias finds the dated model; a retired one is there."""
    listed = await through(sdk.models.list())
    assert [await sdk.models.retrieve(model.id) for model in listed] == listed
    assert (await sdk.models.retrieve("claude-sonnet-4-5")).id == "claude-sonnet-4-5-20250929"
    assert (await sdk.models.retrieve("claude-mythos-preview")).lifecycle == "retired"
    assert (await http.post("/v1/messages", json=body(model="claude-mythos-preview"))).status_code == 404


@pytest.mark.parametrize("name", ["gpt-5", "claude-nothing", "claude-sim-nonsense", "claude-unknown", "a%2Fb", "%ff"])
async def test_unknown_models(http: httpx2.AsyncClient, name: str) -> None:
    """A model that is not there is the API's 404."""
    response = await http.get(f"/v1/models/{name}")
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "not_found_error"
    assert response.json()["request_id"] == response.headers["request-id"]


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/claude-opus-5"])
async def test_they_are_calls_like_any(http: httpx2.AsyncClient, path: str) -> None:
    """Both are in the ledger with their query and label, carry the API's headers, answer HEAD, want key and version."""
    response = await http.get(f"{path}?beta=true&sim-label=mine", headers={"anthropic-beta": "x,y"})
    assert response.headers["anthropic-ratelimit-requests-limit"]
    assert response.headers["anthropic-organization-id"]
    (call,) = await calls(http)
    assert (call["method"], call["path"]) == ("GET", f"{path}?beta=true&sim-label=mine")
    assert (call["label"], call["ending"], call["status"], call["body_size"]) == ("mine", "complete", 200, 0)
    assert call["request_id"] == response.headers["request-id"]
    head = await http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == response.headers["content-length"]
    assert (await http.get(path, headers={"anthropic-version": "9"})).status_code == 400
    assert (await http.get(path, headers={"x-api-key": ""})).status_code == 401
    assert (await http.post(path)).status_code == 405


@pytest.mark.parametrize(
    "path", ["/v1/models?sim=error-529-retry-after-3", "/v1/models/claude-sim-error-529-retry-after-3"]
)
async def test_scenarios_refuse(http: httpx2.AsyncClient, path: str) -> None:
    """The list takes a scenario from its query, a model from its name too."""
    response = await http.get(path)
    assert (response.status_code, response.headers["retry-after"]) == (529, "3")
    assert response.json()["error"]["type"] == "overloaded_error"


async def test_scenarios_wait(http: httpx2.AsyncClient) -> None:
    """A wait comes before the answer."""
    began = time.monotonic()
    assert (await http.get("/v1/models?limit=1&sim=slow-first-token-100")).json()["data"][0]["id"] == LISTED[0]
    assert 0.099 <= time.monotonic() - began < 0.6
