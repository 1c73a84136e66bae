"""What is refused before any scenario is asked, in the API's order and words."""

from typing import Any

import httpx2
import pytest

from simulator.connection import MAX_BODY_BYTES
from tests.simulator.calls import body, calls


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in body().items() if key != name}


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (without("model"), "model: Field required"),
        (without("max_tokens"), "max_tokens: Field required"),
        (without("messages"), "messages: Field required"),
        (body(max_tokens="9"), "max_tokens: Input should be a valid integer"),
        (body(max_tokens=True), "max_tokens: Input should be a valid integer"),
        (body(max_tokens=0), "max_tokens: Input should be greater than or equal to 1"),
        (body(messages=[]), "messages: at least one message is required"),
        (body(messages={}), "messages: Input should be a valid list"),
        (body(messages=["hello"]), "messages.0: Input should be a valid dictionary"),
        (body(messages=[{"content": "a"}]), "messages.0.role: Field required"),
        (body(messages=[{"role": "user"}]), "messages.0.content: Field required"),
        (body(messages=[{"role": "user", "content": [{}]}]), "messages.0.content.0.type: Field required"),
        (
            body(messages=[{"role": "user", "content": [{"type": "text"}]}]),
            "messages.0.content.0.text.text: Field required",
        ),
        (
            body(messages=[{"role": "robot", "content": "a"}]),
            "messages.0.role: Input should be 'user', 'assistant' or 'system'",
        ),
        (body(stream="yes"), "stream: Input should be a valid boolean"),
        (body(tools=[{"name": "a"}]), "tools.0.custom.input_schema: Field required"),
        (body(stop_sequences=[7]), "stop_sequences.0: Input should be a valid string"),
        (body(thinking={"type": "enabled"}), "thinking.enabled.budget_tokens: Field required"),
        (
            body(max_tokens=2_000, thinking={"type": "enabled", "budget_tokens": 2_000}),
            "`max_tokens` must be greater than `thinking.budget_tokens`.",
        ),
        ([1], "Input should be a valid dictionary or object to extract fields from"),
    ],
)
async def test_a_wrong_body_is_named(http: httpx2.AsyncClient, sent: Any, message: str) -> None:
    """A body that the API refuses gets its 400 and its message."""
    response = await http.post("/v1/messages", json=sent)
    assert response.status_code == 400
    assert response.json()["type"] == "error"
    assert response.json()["error"] == {"type": "invalid_request_error", "message": message}
    assert response.json()["request_id"] == response.headers["request-id"]


@pytest.mark.parametrize("sent", [b"", b"{", b"\xff", b'{"model": "\xff"}', b"nul"])
async def test_what_is_not_json(http: httpx2.AsyncClient, sent: bytes) -> None:
    """Bytes that are no JSON are a 400 that says so."""
    response = await http.post("/v1/messages", content=sent)
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("The request body is not valid JSON")


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer"}, {"authorization": "Basic abc"}])
async def test_without_a_key(http: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    """A call without a key is a 401, whatever its body is."""
    del http.headers["x-api-key"]
    response = await http.post("/v1/messages", content=b"{", headers=headers)
    assert response.status_code == 401
    assert response.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("headers", [{"x-api-key": "k"}, {"authorization": "Bearer k"}])
async def test_either_kind_of_key(http: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    """Both ways to send a key are taken."""
    del http.headers["x-api-key"]
    response = await http.post("/v1/messages", json=body(), headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (None, "anthropic-version: header is required"),
        ("2", 'anthropic-version: "2" is not a valid version'),
    ],
)
async def test_the_version_header(http: httpx2.AsyncClient, version: str | None, message: str) -> None:
    """The version header is required, and is a date."""
    del http.headers["anthropic-version"]
    headers = {} if version is None else {"anthropic-version": version}
    response = await http.post("/v1/messages", json=body(), headers=headers)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == message


async def test_unknown_fields_pass(http: httpx2.AsyncClient) -> None:
    """A field that the simulator does not know is no error."""
    response = await http.post("/v1/messages", json=body(a_field_of_next_year={"deep": [1]}))
    assert response.status_code == 200


@pytest.mark.parametrize("model", ["gpt-5", "claude-unknown", "claude-unknown-2", "claude-sim-nonsense"])
async def test_models_that_do_not_exist(http: httpx2.AsyncClient, model: str) -> None:
    """A model that the API would not know is a 404 that names it."""
    response = await http.post("/v1/messages", json=body(model=model))
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "not_found_error"
    assert response.json()["error"]["message"].startswith(f"model: {model}")


async def test_a_body_above_the_limit(http: httpx2.AsyncClient) -> None:
    """More than 32 MB is a 413, and the ledger has seen its size."""
    response = await http.post("/v1/messages", content=b" " * (MAX_BODY_BYTES + 1))
    assert response.status_code == 413
    assert response.json()["error"]["type"] == "request_too_large"
    assert (await calls(http))[0]["body_size"] == MAX_BODY_BYTES + 1


async def test_a_body_at_the_limit(http: httpx2.AsyncClient) -> None:
    """Exactly 32 MB is answered."""
    empty = len(httpx2.Request("POST", "http://x", json=body("")).content)
    response = await http.post("/v1/messages", json=body("a" * (MAX_BODY_BYTES - empty)))
    assert response.request.headers["content-length"] == str(MAX_BODY_BYTES)
    assert response.status_code == 200
