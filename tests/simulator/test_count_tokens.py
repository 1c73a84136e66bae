"""POST /v1/messages/count_tokens: the message's own estimate, and the message's own refusals."""

import time
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import MessageParam, ToolParam

from tests.simulator.calls import Json, body, calls

PATH = "/v1/messages/count_tokens"
QUESTION: MessageParam = {"role": "user", "content": "Why is the sky blue?"}
WEATHER: ToolParam = {"name": "get_weather", "input_schema": {"type": "object", "properties": {}}}


def counted(prompt: str = "Why?", **fields: Any) -> Json:
    """A body as clients count it: without `max_tokens`."""
    return {name: value for name, value in body(prompt, **fields).items() if name != "max_tokens"}


async def test_it_counts_what_a_message_reports(sdk: anthropic.AsyncAnthropic) -> None:
    """The count is the `usage.input_tokens` of the same call, tools and system text included."""
    asked: Any = {"model": "claude-sonnet-5", "messages": [QUESTION], "system": "Be brief.", "tools": [WEATHER]}
    count = await sdk.messages.count_tokens(**asked)
    message = await sdk.messages.create(max_tokens=9, **asked)
    assert count.input_tokens == message.usage.input_tokens
    fewer = await sdk.messages.count_tokens(model="claude-sonnet-5", messages=[QUESTION])
    assert 0 < fewer.input_tokens < count.input_tokens


async def test_the_beta_client(sdk: anthropic.AsyncAnthropic, http: httpx2.AsyncClient) -> None:
    """The beta client's call is taken, and the ledger has its method, path and query."""
    asked: Any = {"model": "claude-sonnet-5", "messages": [QUESTION], "betas": ["a-2026-01-01", "b", "c-unknown"]}
    assert (await sdk.beta.messages.count_tokens(**asked, extra_query={"beta": "true"})).input_tokens > 0
    (call,) = await calls(http)
    assert (call["method"], call["path"]) == ("POST", f"{PATH}?beta=true")
    assert call["headers"]["anthropic-beta"].startswith("a-2026-01-01,b,c-unknown")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (counted(messages=[]), 400),
        (counted(temperature=1.0), 200),
        ({**counted(), "max_tokens": "9"}, 400),
        (counted(model="claude-unknown"), 404),
        (counted(model="claude-3-opus-20240229"), 404),
        (counted(stream=True), 200),
        (counted(thinking={"type": "enabled", "budget_tokens": 2_000}), 200),
        ({"model": "claude-sonnet-5"}, 400),
    ],
)
async def test_the_checks_are_the_messages(http: httpx2.AsyncClient, sent: Json, status: int) -> None:
    """What a message would be refused for is refused; `max_tokens` is not asked for, and nothing streams."""
    response = await http.post(PATH, json=sent)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert (response.json().keys() == {"input_tokens"}) is (status == 200)


@pytest.mark.parametrize("missing", ["x-api-key", "anthropic-version"])
async def test_key_and_version(http: httpx2.AsyncClient, missing: str) -> None:
    """Both headers are needed."""
    del http.headers[missing]
    assert (await http.post(PATH, json=counted())).status_code == {"x-api-key": 401, "anthropic-version": 400}[missing]


@pytest.mark.parametrize(
    "sent", [counted(model="claude-sim-error-429-retry-after-7"), counted("Why? [[sim:error 429 retry_after=7]]")]
)
async def test_scenarios_refuse(http: httpx2.AsyncClient, sent: Json) -> None:
    """A scenario refuses with its status and headers, picked by model or prompt."""
    response = await http.post(PATH, json=sent)
    assert (response.status_code, response.headers["retry-after"]) == (429, "7")
    assert response.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert response.json()["error"]["type"] == "rate_limit_error"
    assert (await calls(http))[0]["scenario"] == "error"


async def test_scenarios_wait_and_break(http: httpx2.AsyncClient) -> None:
    """A count waits as the scenario says, and no longer; and it breaks like any body."""
    began = time.monotonic()
    response = await http.post(PATH, json=counted("Why? [[sim:slow-first-token 120 tps=1]]"))
    assert response.json().keys() == {"input_tokens"}
    assert 0.119 <= time.monotonic() - began < 0.6
    with pytest.raises(httpx2.RemoteProtocolError):
        await http.post(PATH, json=counted(model="claude-sim-cut"))


async def test_a_conversation_is_one_paths(http: httpx2.AsyncClient) -> None:
    """Counting the tokens of a call does not use up its failures."""
    sent = body(model="claude-sim-error-529-then-ok")
    statuses = [(await http.post(path, json=sent)).status_code for path in (PATH, "/v1/messages", PATH, "/v1/messages")]
    assert statuses == [529, 529, 200, 200]
