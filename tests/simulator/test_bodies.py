"""Whatever a client may put into a body is taken and answered."""

import asyncio
import base64
import hashlib
import json
from typing import Any

import anthropic
import httpx2
import pydantic
import pytest

from simulator.connection import MAX_BODY_BYTES
from simulator.server import Simulator
from tests.simulator.calls import HEADERS, Json, body, calls, events_in, names, streamed, text_of, whole

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n and some more").decode()
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PIXEL}}
QUESTION = {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}}
CUSTOM = {"name": "look", "input_schema": {"type": "object", "properties": {"where": {"type": "string"}}}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
SCHEMA = {"type": "object", "properties": {"colour": {"type": "string"}, "warm": {"type": "boolean"}}}


def turns(*contents: object) -> Json:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[at % 2], "content": content} for at, content in enumerate(contents)]}


def result(**fields: Any) -> Json:
    return {"type": "tool_result", "tool_use_id": "toolu_1", **fields}


@pytest.mark.parametrize(
    "fields",
    [
        turns([IMAGE, QUESTION]),
        turns([IMAGE]),
        turns([{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}, QUESTION]),
        turns([PDF, {"type": "document", "source": {"type": "file", "file_id": "file_1"}}, QUESTION]),
        turns([{"type": "document", "source": {"type": "content", "content": [QUESTION, IMAGE]}}, QUESTION]),
        turns("Why?", [USE], [result(content="dry")]),
        turns("Why?", [USE], [result(content=[QUESTION, IMAGE]), QUESTION]),
        turns("Why?", [USE], [result(content=None, is_error=True)]),
        turns("Why?", [USE], [result()]),
        turns("Why?", [{"type": "thinking", "thinking": "a", "signature": "b"}, USE], [result(content=[])]),
        turns("Why?", "Because"),
        turns([{"type": "container_upload", "file_id": "file_1"}, {"type": "a_block_of_next_year"}]),
        {"system": "Be brief."},
        {"system": [QUESTION]},
        *(
            {"tools": [CUSTOM], "tool_choice": {"type": kind, "name": "look"}}
            for kind in ("auto", "any", "none", "tool")
        ),
        {"tools": [CUSTOM], "tool_choice": {"type": "tool", "name": "another"}},
        {"tools": [{"type": "computer_toolset_20260801"}, {"type": "bash_20250124", "name": "bash"}]},
        {"tools": [{"type": "mcp_toolset", "mcp_server_name": "a"}], "mcp_servers": [{"type": "url", "name": "a"}]},
        {"tools": [{"type": "web_search_20260318", "name": "web_search", "max_uses": 1}]},
        {"stop_sequences": ["\n\nHuman:", "END"]},
        {"output_format": {"type": "json_schema", "schema": SCHEMA}},
        {"output_config": {"effort": "high", "format": {"type": "json_schema", "schema": SCHEMA}}},
        {"output_config": {"effort": "low", "format": None}, "output_format": None},
        {"thinking": {"type": "adaptive"}, "context_management": {"edits": []}, "container": {"skills": []}},
        {"thinking": {"type": "disabled"}, "service_tier": "auto", "speed": "fast", "inference_geo": "eu"},
        {"metadata": {"user_id": None}, "fallbacks": [], "stream": None, "tools": None, "a_field": {"deep": [1]}},
    ],
)
async def test_it_is_taken(http: httpx2.AsyncClient, fields: Json) -> None:
    """Both forms and the count answer it."""
    for path, stream in (("/v1/messages", True), ("/v1/messages", False), ("/v1/messages/count_tokens", False)):
        response = await http.post(f"{path}?beta=true", json={**body(), "stream": stream, **fields})
        assert response.status_code == 200, response.text
        if response.headers["content-type"] == "application/json":
            assert response.json().keys() >= ({"input_tokens"} if "count" in path else {"content", "usage"})
        else:
            assert stream
            assert names(events_in(response.content))[-1] == "message_stop"


@pytest.mark.parametrize("field", ["output_format", "output_config"])
async def test_structured_output(http: httpx2.AsyncClient, field: str) -> None:
    """A text that has to fit a schema is JSON that does, streamed and whole."""
    wanted = {"type": "json_schema", "schema": SCHEMA}
    fields = {field: wanted if field == "output_format" else {"format": wanted}}
    message = await whole(http, "Which colour?", **fields)
    assert json.loads(message["content"][0]["text"]) == {"colour": "colour", "warm": True}
    assert text_of(await streamed(http, "Which colour?", **fields)) == message["content"][0]["text"]


async def test_the_sdk_parses_it(sdk: anthropic.AsyncAnthropic) -> None:
    """The SDK's own way to ask for an object gets one."""

    class Place(pydantic.BaseModel):
        name: str
        height_m: int

    parsed = await sdk.messages.parse(
        model="claude-sonnet-5",
        max_tokens=500,
        messages=[{"role": "user", "content": "Which mountain?"}],
        output_format=Place,
    )
    assert parsed.parsed_output == Place(name="mountain", height_m=1)


async def test_usage_is_cumulative(http: httpx2.AsyncClient) -> None:
    """message_delta has the input and cache tokens of message_start, and all output tokens."""
    events = await streamed(http, "Why? [[sim:cache created=7 read=9]]")
    first, last = events[0].data["message"]["usage"], events[-2].data["usage"]
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    assert [last[name] for name in names] == [first[name] for name in names]
    assert first["input_tokens"] > 0
    assert last["output_tokens"] == len([event for event in events if event.name == "content_block_delta"])


async def test_what_arrived_can_be_proven(http: httpx2.AsyncClient) -> None:
    """Headers, query and body are in the ledger as they came: a header sent twice, odd queries, odd spacing."""
    content = b' {"model":"claude-sonnet-5",  "max_tokens":9,"messages":[{"role":"user","content":"\\u00e9"}] }\n'
    beta = ",".join(f"unknown-{number}-2099-01-01" for number in range(8))
    twice = [*HEADERS.items(), ("anthropic-beta", beta), ("anthropic-beta", "one-more")]
    await http.post("/v1/messages?beta=true&x=%2F%20+a&x&%C3%A9=;", content=content, headers=twice)
    (call,) = await calls(http)
    assert call["status"] == 200
    assert call["path"] == "/v1/messages?beta=true&x=%2F%20+a&x&%C3%A9=;"
    assert call["headers"]["anthropic-beta"] == f"{beta}, one-more"
    assert (call["body_size"], call["body_sha256"]) == (len(content), hashlib.sha256(content).hexdigest())


async def test_a_large_image(simulator: Simulator, http: httpx2.AsyncClient) -> None:
    """12 MB of image in chunks of unknown length are answered."""
    source = {**IMAGE, "source": {**IMAGE["source"], "data": "A" * 12_000_000}}  # type: ignore[dict-item]  # a JSON object
    content = json.dumps({**body(), **turns([source, QUESTION])}).encode()

    async def parts() -> Any:
        for at in range(0, len(content), 1 << 20):
            yield content[at : at + (1 << 20)]

    response = await http.post("/v1/messages", content=parts())
    assert response.status_code == 200
    assert response.json()["usage"]["input_tokens"] > 2_000_000


async def test_a_count_above_the_limit(http: httpx2.AsyncClient) -> None:
    """The limit of 32 MB is the count's too, without a key as well: size comes first."""
    response = await http.post(
        "/v1/messages/count_tokens", content=b" " * (MAX_BODY_BYTES + 1), headers={"x-api-key": ""}
    )
    assert response.status_code == 413
    assert response.json()["error"]["type"] == "request_too_large"


async def test_garbage_is_a_whole_body(http: httpx2.AsyncClient) -> None:
    """A call that does not stream gets all the garbage that its head promises, and its connection goes on."""
    sent = body(model="claude-sim-garbage")
    response = await asyncio.wait_for(http.post("/v1/messages", json=sent), 5)
    assert response.headers["content-length"] == str(len(response.content)) != "0"
    with pytest.raises(UnicodeDecodeError):
        response.content.decode()
    assert (await http.post("/v1/messages", json=body())).status_code == 200
