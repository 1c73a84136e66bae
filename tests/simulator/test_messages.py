"""POST /v1/messages, called by the official SDK as its users call it."""

import anthropic
import httpx2
import pytest
from anthropic.types import MessageParam, ToolParam, ToolResultBlockParam

from tests.simulator.calls import body, calls, streamed, text_of, whole

QUESTION: MessageParam = {"role": "user", "content": "Why is the sky blue?"}
WEATHER: ToolParam = {
    "name": "get_weather",
    "input_schema": {
        "type": "object",
        "properties": {"location": {"type": "string"}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        "required": ["location"],
    },
}


async def test_messages_stream(sdk: anthropic.AsyncAnthropic) -> None:
    """messages.stream() accumulates the text that its events brought."""
    async with sdk.messages.stream(model="claude-sonnet-5", max_tokens=5_000, messages=[QUESTION]) as stream:
        text = "".join([part async for part in stream.text_stream])
        message = await stream.get_final_message()
    assert message.content[0].type == "text"
    assert message.content[0].text == text
    assert len(text.split()) > 40
    assert message.stop_reason == "end_turn"


async def test_create_with_stream(sdk: anthropic.AsyncAnthropic) -> None:
    """create(stream=True) yields every event but the pings, in the order of the API."""
    stream = await sdk.messages.create(model="claude-sonnet-5", max_tokens=5_000, messages=[QUESTION], stream=True)
    kinds = [event.type async for event in stream]
    assert kinds[:3] == ["message_start", "content_block_start", "content_block_delta"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]


async def test_create_says_what_a_stream_says(sdk: anthropic.AsyncAnthropic) -> None:
    """create() and messages.stream() end in the same message, ids apart."""
    plain = await sdk.messages.create(model="claude-sonnet-5", max_tokens=5_000, messages=[QUESTION])
    async with sdk.messages.stream(model="claude-sonnet-5", max_tokens=5_000, messages=[QUESTION]) as stream:
        accumulated = await stream.get_final_message()
    assert accumulated.to_dict() | {"id": ""} == plain.to_dict() | {"id": ""}
    assert plain._request_id is not None
    assert plain._request_id.startswith("req_")


async def test_a_tool_loop(sdk: anthropic.AsyncAnthropic) -> None:
    """A call with a tool ends in a use of that tool, the next with its result in a text that has it."""
    async with sdk.messages.stream(
        model="claude-sonnet-5", max_tokens=5_000, messages=[QUESTION], tools=[WEATHER]
    ) as stream:
        first = await stream.get_final_message()
    use = first.content[-1]
    assert first.stop_reason == "tool_use"
    assert use.type == "tool_use"
    assert use.name == "get_weather"
    assert use.input == {"location": "sky blue", "unit": "celsius"}

    result: ToolResultBlockParam = {"type": "tool_result", "tool_use_id": use.id, "content": "18 degrees and dry"}
    turns: list[MessageParam] = [QUESTION, first.to_param(), {"role": "user", "content": [result]}]
    second = await sdk.messages.create(model="claude-sonnet-5", max_tokens=5_000, messages=turns, tools=[WEATHER])
    assert second.stop_reason == "end_turn"
    assert second.content[0].type == "text"
    assert "18 degrees and dry" in second.content[0].text


async def test_thinking(sdk: anthropic.AsyncAnthropic) -> None:
    """With thinking on, a thinking block with its signature comes before the text."""
    async with sdk.messages.stream(
        model="claude-sonnet-5",
        max_tokens=5_000,
        messages=[QUESTION],
        thinking={"type": "enabled", "budget_tokens": 2_000},
    ) as stream:
        message = await stream.get_final_message()
    thinking, text = message.content
    assert thinking.type == "thinking"
    assert len(thinking.thinking) > 20
    assert len(thinking.signature) > 100
    assert text.type == "text"
    assert message.usage.output_tokens_details is not None
    assert 0 < message.usage.output_tokens_details.thinking_tokens < message.usage.output_tokens


async def test_omitted_thinking_has_only_its_signature(http: httpx2.AsyncClient) -> None:
    """`display: omitted` hides the thinking and keeps the signature."""
    message = await whole(http, "Why?", thinking={"type": "adaptive", "display": "omitted"})
    assert message["content"][0]["thinking"] == ""
    assert message["content"][0]["signature"]


@pytest.mark.parametrize(
    ("status", "kind", "name"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (403, anthropic.PermissionDeniedError, "permission_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (413, anthropic.RequestTooLargeError, "request_too_large"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (529, anthropic._exceptions.OverloadedError, "overloaded_error"),
    ],
)
async def test_errors_by_status(
    sdk: anthropic.AsyncAnthropic, status: int, kind: type[anthropic.APIStatusError], name: str
) -> None:
    """Each status becomes the SDK's class for it, with the type and the request id of the API."""
    with pytest.raises(kind) as caught:
        await sdk.messages.create(model=f"claude-sim-error-{status}", max_tokens=9, messages=[QUESTION])
    assert caught.value.type == name
    assert caught.value.request_id is not None
    assert caught.value.request_id == caught.value.body["request_id"]  # type: ignore[index]  # `body` is an object


async def test_the_sdk_retries_an_overload(sdk: anthropic.AsyncAnthropic, http: httpx2.AsyncClient) -> None:
    """A first 529 and then success is unseen by a client that retries."""
    patient = sdk.with_options(max_retries=1)
    message = await patient.messages.create(model="claude-sim-error-529-then-ok", max_tokens=50, messages=[QUESTION])
    assert message.role == "assistant"
    assert [call["status"] for call in await calls(http)] == [529, 200]


async def test_an_error_event_ends_the_stream(sdk: anthropic.AsyncAnthropic) -> None:
    """`event: error` in the middle of a stream is raised, with the API's type, behind what came before it."""
    stream = await sdk.messages.create(
        model="claude-sim-error-mid-stream-after-6", max_tokens=500, messages=[QUESTION], stream=True
    )
    seen = []
    with pytest.raises(anthropic.APIStatusError) as caught:
        async for event in stream:
            seen.append(event.type)  # noqa: PERF401 - what came before the error is kept
    assert caught.value.type == "overloaded_error"
    assert seen == ["message_start", "content_block_start", *["content_block_delta"] * 3]


async def test_max_tokens(http: httpx2.AsyncClient) -> None:
    """An answer ends at max_tokens deltas and says so."""
    events = await streamed(http, "Why is the sky blue?", max_tokens=7)
    assert len([event for event in events if event.name == "content_block_delta"]) == 7
    assert events[-2].data["delta"]["stop_reason"] == "max_tokens"
    assert events[-2].data["usage"]["output_tokens"] == 7


async def test_stop_sequences(http: httpx2.AsyncClient) -> None:
    """An answer ends before a stop sequence and names it."""
    full = text_of(await streamed(http, "Why is the sky blue?"))
    sequence = full[30:36]
    events = await streamed(http, "Why is the sky blue?", stop_sequences=["nowhere", sequence])
    assert text_of(events) == full[: full.index(sequence)]
    assert events[-2].data["delta"]["stop_reason"] == "stop_sequence"
    assert events[-2].data["delta"]["stop_sequence"] == sequence


async def test_headers_of_a_stream(http: httpx2.AsyncClient) -> None:
    """A stream has the headers of the API, and a request id that no other answer has."""
    first, second = [await http.post("/v1/messages", json=body(stream=True)) for _ in range(2)]
    assert first.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["anthropic-organization-id"]
    assert int(first.headers["anthropic-ratelimit-requests-remaining"]) > 0
    assert first.headers["request-id"].startswith("req_")
    assert first.headers["request-id"] != second.headers["request-id"]


async def test_a_rate_limit_says_when_to_come_back(http: httpx2.AsyncClient) -> None:
    """A 429 has retry-after and no requests left; the spend cap's 429 has no retry-after."""
    limited = await http.post("/v1/messages", json=body(model="claude-sim-error-429"))
    capped = await http.post("/v1/messages", json=body(model="claude-sim-error-429-retry-after-none"))
    assert limited.headers["retry-after"] == "1"
    assert limited.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert capped.status_code == 429
    assert "retry-after" not in capped.headers
