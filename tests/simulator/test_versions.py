"""Both versions of the API side by side: which there are, and what the newer one refuses."""

from typing import Any

import httpx2
import pytest

from tests.simulator.calls import HEADERS, body

OLDER, NEWER = "2023-06-01", "2026-10-21"
PATHS = ["/v1/messages", "/v1/messages/count_tokens"]
CITED = {"type": "text", "text": "Blue.", "citations": [{"type": "char_location"}]}
DOCUMENT = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Blue."}}
FOUND = {"type": "search_result", "source": "a", "title": "b", "content": [CITED]}


def said(role: str, *blocks: object) -> dict[str, Any]:
    question = {"role": "user", "content": "Why?"}
    return {"messages": [question, {"role": role, "content": [*blocks]}]}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temperature": 1.0}, "temperature: Extra inputs are not permitted"),
        ({"top_p": 0.9}, "top_p: Extra inputs are not permitted"),
        ({"top_k": None}, "top_k: Extra inputs are not permitted"),
        (
            said("assistant", DOCUMENT),
            "messages.1.content.0: `document` blocks are not permitted in `assistant` messages",
        ),
        (said("user", DOCUMENT, CITED), "messages.1.content.1.text.citations: Extra inputs are not permitted"),
        (
            said("user", FOUND),
            "messages.1.content.0.search_result.content.0.text.citations: Extra inputs are not permitted",
        ),
    ],
)
async def test_what_the_newer_version_refuses(
    http: httpx2.AsyncClient, path: str, fields: dict[str, Any], message: str
) -> None:
    """The same body is answered by the older version and is a 400 of the newer one."""
    old = await http.post(path, json=body(**fields), headers={"anthropic-version": OLDER})
    new = await http.post(path, json=body(**fields), headers={"anthropic-version": NEWER})
    assert (old.status_code, new.status_code) == (200, 400)
    assert new.json()["error"] == {"type": "invalid_request_error", "message": message}


@pytest.mark.parametrize(
    "fields",
    [
        said("assistant", CITED),
        said("user", DOCUMENT, {**CITED, "citations": []}, {**CITED, "citations": None}),
        said("user", {**FOUND, "content": "text"}, {**FOUND, "content": ["text"]}),
    ],
)
async def test_what_it_takes(http: httpx2.AsyncClient, fields: dict[str, Any]) -> None:
    """Documents of users, citations of assistants and empty ones are as good as ever."""
    response = await http.post("/v1/messages", json=body(**fields), headers={"anthropic-version": NEWER})
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("version", ["2023-01-01", "2024-10-22", "2099-01-01", "v1", f"{OLDER}, {OLDER}", ""])
async def test_versions_that_do_not_exist(http: httpx2.AsyncClient, version: str) -> None:
    """Any other version is a 400 that names it, a well-formed date too."""
    response = await http.post("/v1/messages", json=body(), headers={"anthropic-version": version})
    assert response.status_code == 400
    assert response.json()["error"]["message"] == f'anthropic-version: "{version}" is not a valid version'


@pytest.mark.parametrize("version", [OLDER, NEWER])
@pytest.mark.parametrize("key", [{"x-api-key": "k"}, {"authorization": "Bearer k"}])
async def test_each_version_takes_each_key(http: httpx2.AsyncClient, version: str, key: dict[str, str]) -> None:
    """How the key comes does not depend on the version."""
    http.headers = httpx2.Headers({name: value for name, value in HEADERS.items() if name == "content-type"})
    headers = {"anthropic-version": version, **key}
    assert (await http.post("/v1/messages", json=body(), headers=headers)).status_code == 200
    assert (await http.get("/v1/models", headers=headers)).status_code == 200
