"""The official SDK works by `base_url` alone: what it gets through the gateway is what it gets from Claude's API.

Each call is made twice, through the gateway and directly; the simulator answers the same call the same, ids apart.
"""

import re
from collections.abc import AsyncIterator, Callable
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic, AsyncAnthropic

from tests.support.cluster import Cluster, Ground

_IDS = re.compile(r"(msg|toolu|srvtoolu|req)_01[0-9A-Za-z]{22}")
_TOOL = {
    "name": "get_weather",
    "description": "The weather at a place.",
    "input_schema": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["location"],
    },
}
_PLAIN: dict[str, Any] = {
    "model": "claude-test",
    "max_tokens": 4096,
    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
}
CALLS = {
    "text": _PLAIN,
    "max_tokens": _PLAIN | {"max_tokens": 7},
    "tools": _PLAIN | {"tools": [_TOOL]},
    "thinking": _PLAIN | {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "cache": _PLAIN | {"model": "claude-sim-cache"},
    "server tools": _PLAIN | {"model": "claude-sim-server-tools"},
    "citations": _PLAIN | {"model": "claude-sim-citations"},
    "redacted thinking": _PLAIN | {"model": "claude-sim-redacted-thinking"},
    "characters": _PLAIN | {"model": "claude-sim-multibyte"},
    "refusal": _PLAIN | {"model": "claude-sim-refusal"},
    "pause": _PLAIN | {"model": "claude-sim-pause-turn"},
    "empty": _PLAIN | {"model": "claude-sim-empty"},
}
each_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def _plain(message: Any) -> str:
    """A message or an event as JSON, without its random ids."""
    return _IDS.sub(r"\1_…", message.to_json())


@pytest.fixture(scope="module")
def clients(shared: Cluster, ground: Ground) -> "tuple[Anthropic, Anthropic]":
    """Through the gateway, and directly."""
    return _client(Anthropic, shared.url), _client(Anthropic, ground.upstream_url)


@pytest.fixture
async def async_clients(shared: Cluster, ground: Ground) -> AsyncIterator[tuple[AsyncAnthropic, AsyncAnthropic]]:
    async with _client(AsyncAnthropic, shared.url) as client, _client(AsyncAnthropic, ground.upstream_url) as direct:
        yield client, direct


def _client(kind: Callable[..., Any], url: str) -> Any:
    return kind(base_url=url, api_key="client-key", max_retries=0, timeout=20.0)


@each_call
def test_messages_stream(clients: tuple[Anthropic, Anthropic], call: dict[str, Any]) -> None:
    """`messages.stream` accumulates the same final message, event by event."""
    told = []
    for client in clients:
        with client.messages.stream(**call) as stream:
            events = [_plain(event) for event in stream]
            told.append((events, _plain(stream.get_final_message())))
    assert told[0] == told[1]


@each_call
def test_create_streaming(clients: tuple[Anthropic, Anthropic], call: dict[str, Any]) -> None:
    """`create(stream=True)` yields the same events in the same order, up to `message_stop`."""
    through, direct = ([_plain(event) for event in client.messages.create(**call, stream=True)] for client in clients)
    assert through == direct
    assert '"message_stop"' in through[-1]


@each_call
def test_create(clients: tuple[Anthropic, Anthropic], call: dict[str, Any]) -> None:
    """`create()` returns the same content, usage and stop reason."""
    through, direct = (client.messages.create(**call) for client in clients)
    assert _plain(through) == _plain(direct)
    assert through.usage.output_tokens > 0
    assert through.stop_reason


@each_call
async def test_async_client(async_clients: tuple[AsyncAnthropic, AsyncAnthropic], call: dict[str, Any]) -> None:
    """The asynchronous client gets the same in all three ways."""
    told = []
    for client in async_clients:
        async with client.messages.stream(**call) as stream:
            final = _plain(await stream.get_final_message())
        events = [_plain(event) async for event in await client.messages.create(**call, stream=True)]
        told.append((final, events, _plain(await client.messages.create(**call))))
    assert told[0] == told[1]


def test_tool_input_is_streamed(clients: tuple[Anthropic, Anthropic]) -> None:
    """A tool's input arrives in parts and as the object that they amount to."""
    with clients[0].messages.stream(**CALLS["tools"]) as stream:
        parts = [event.partial_json for event in stream if event.type == "input_json"]
        use = stream.get_final_message().content[-1]
    assert use.type == "tool_use"
    assert use.input["location"]
    assert len(parts) > 2


def test_thinking_has_its_signature(clients: tuple[Anthropic, Anthropic]) -> None:
    """A thinking block arrives with the signature that its author will check."""
    with clients[0].messages.stream(**CALLS["thinking"]) as stream:
        thought = stream.get_final_message().content[0]
    assert thought.type == "thinking"
    assert thought.thinking
    assert len(thought.signature) > 100


ERRORS: dict[str, tuple[str, type[anthropic.APIStatusError]]] = {
    "400": ("claude-sim-error-400", anthropic.BadRequestError),
    "401": ("claude-sim-error-401", anthropic.AuthenticationError),
    "403": ("claude-sim-error-403", anthropic.PermissionDeniedError),
    "404": ("claude-unknown", anthropic.NotFoundError),
    "413": ("claude-sim-error-413", anthropic.RequestTooLargeError),
    "429": ("claude-sim-error-429-retry-after-none", anthropic.RateLimitError),
    "500": ("claude-sim-error-500", anthropic.InternalServerError),
    "529": ("claude-sim-error-529", anthropic.OverloadedError),
    "mid-stream": ("claude-sim-error-mid-stream-status-529", anthropic.APIStatusError),
}


@pytest.mark.parametrize(("model", "kind"), ERRORS.values(), ids=ERRORS)
def test_errors(clients: tuple[Anthropic, Anthropic], model: str, kind: type[anthropic.APIStatusError]) -> None:
    """A failure raises the same exception with the same status, type and message as a direct call's."""
    told = []
    for client in clients:
        with pytest.raises(kind) as raised, client.messages.stream(**(_PLAIN | {"model": model})) as stream:
            stream.get_final_message()
        error = raised.value
        told.append((type(error), error.status_code, error.type, _IDS.sub("", error.message)))
        assert error.request_id
    assert told[0] == told[1]


def test_own_errors_are_the_sdks(clients: tuple[Anthropic, Anthropic]) -> None:
    """What the gateway itself refuses raises the SDK's exception for it."""
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        clients[0].post("/v1/messages", cast_to=object, body={"model": "claude-test", "messages": []})
    with pytest.raises(anthropic.NotFoundError):
        clients[0].get("/v1/jobs/job_unknown", cast_to=object)
