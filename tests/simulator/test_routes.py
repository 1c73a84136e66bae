"""Paths and methods, and the pages about the simulator itself."""

import httpx2
import pytest

from tests.simulator.calls import body, calls


@pytest.mark.parametrize(
    "path", ["/", "/v1/nothing", "/v1/messages/", "/v1/models/", "/v1/models/a/b", "/v1", "/simulator"]
)
async def test_unknown_paths(http: httpx2.AsyncClient, path: str) -> None:
    """A path that leads nowhere is a 404 in the API's shape."""
    response = await http.get(path)
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "not_found_error"
    assert response.json()["request_id"] == response.headers["request-id"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("GET", "/v1/messages", "POST"), ("POST", "/healthz", "GET, HEAD")]
)
async def test_wrong_methods(http: httpx2.AsyncClient, method: str, path: str, allowed: str) -> None:
    """A method that a path does not have is a 405 in the same shape, and says which it has."""
    response = await http.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert response.json()["type"] == "error"


async def test_probes_of_the_base_url(http: httpx2.AsyncClient) -> None:
    """A client that looks whether anybody is there finds what it finds at the API: no root, and no HEAD of messages."""
    assert [(await http.head(path)).status_code for path in ("/", "/v1/messages", "/api/hello")] == [404, 405, 200]
    assert (await http.head("/")).headers["request-id"].startswith("req_")
    assert await calls(http) == []


@pytest.mark.parametrize("path", ["/api/hello", "/healthz"])
async def test_it_is_alive(http: httpx2.AsyncClient, path: str) -> None:
    """GET and HEAD are answered without a key; HEAD has no body."""
    assert (await http.get(path, headers={"x-api-key": ""})).status_code == 200
    head = await http.head(path)
    assert head.status_code == 200
    assert head.content == b""
    assert (await http.get("/healthz")).json() == {"status": "ok"}


async def test_the_newest_calls(http: httpx2.AsyncClient) -> None:
    """The ledger's page lists the newest calls in their order, of one label if asked."""
    for label in ("a", "b", "a", "c"):
        await http.post("/v1/messages", json=body(), headers={"x-sim-label": label})
    newest = (await http.get("/simulator/calls?limit=2")).json()
    assert [call["label"] for call in newest] == ["a", "c"]
    labelled = (await http.get("/simulator/calls?label=a")).json()
    assert [call["index"] for call in labelled] == [0, 2]


@pytest.mark.parametrize("limit", ["0", "10001", "many", "-1"])
async def test_a_wrong_limit(http: httpx2.AsyncClient, limit: str) -> None:
    """A limit that is none is a 400."""
    response = await http.get("/simulator/calls", params={"limit": limit})
    assert response.status_code == 400


async def test_open_calls_and_reset(http: httpx2.AsyncClient) -> None:
    """The number of open calls, and a reset that forgets calls and conversations."""
    sent = body(model="claude-sim-error-then-ok")
    assert (await http.post("/v1/messages", json=sent)).status_code == 529
    assert (await http.get("/simulator/calls/open")).json() == {"count": 0}
    assert (await http.delete("/simulator/calls")).json() == {"deleted": 1}
    assert await calls(http) == []
    assert (await http.post("/v1/messages", json=sent)).status_code == 529


async def test_a_bug_is_a_500(http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a handler raises reaches the client as the API's 500, without its words, and closes the call."""

    def broken(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("simulator.messages.read_ask", broken)
    response = await http.post("/v1/messages", json=body())
    assert response.status_code == 500
    assert response.json()["error"] == {"type": "api_error", "message": "Internal server error"}
    assert (await calls(http))[0]["ending"] == "error"
    assert (await http.get("/simulator/calls/open")).json() == {"count": 0}
