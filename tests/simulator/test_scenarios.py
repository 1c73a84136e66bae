"""Every row of the table: what it says has the API's shapes, and arrives as it promises."""

import asyncio
import json
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from simulator.delivery import GARBAGE
from simulator.scenarios import SCENARIOS
from tests.simulator.calls import Event, Json, body, calls, events_in, names, streamed, text_of, whole

EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
WHOLE = {"answer", "text", "thinking", "redacted-thinking", "tools", "server-tools", "citations", "cache"} | {
    *("multibyte", "long", "empty", "refusal", "pause-turn", "pings", "slow-first-token", "crlf", "one-byte-writes"),
}
PARAMETERS = {"slow-first-token": "-5", "long": "-events-400", "one-byte-writes": "-events-5"}
"""Shorter ones of what takes long."""


def model(name: str) -> str:
    return f"claude-sim-{name}{PARAMETERS.get(name, '')}"


def kinds(message: Json) -> list[str]:
    return [block["type"] for block in message["content"]]


def without_ids(message: Json) -> Json:
    """A message with the ids that are new in each answer taken out."""
    text = json.dumps(message)
    ids = [message["id"], *(block["id"] for block in message["content"] if "id" in block)]
    for number, one in enumerate(ids):
        text = text.replace(one, f"id {number}")
    found: Json = json.loads(text)
    return found


def test_every_row_is_tested() -> None:
    """The rows that end well, and the rows that do not, are all in this file."""
    failing = {"stall", "cut", "no-message-stop", "error", "error-first", "error-mid-stream", "garbage"}
    assert set(SCENARIOS) == WHOLE | failing


@pytest.mark.parametrize("name", sorted(WHOLE))
async def test_both_forms_are_the_apis(sdk: anthropic.AsyncAnthropic, http: httpx2.AsyncClient, name: str) -> None:
    """Every event and message is valid for the SDK's types, and the stream adds up to the message."""
    for event in await streamed(http, "Why is the sky blue?", model=model(name)):
        if event.name != "ping":
            assert EVENT.validate_python(event.data).type == event.name
    plain = await whole(http, "Why is the sky blue?", model=model(name))
    Message.model_validate(plain)
    question: Any = body("Why is the sky blue?", model=model(name))
    async with sdk.messages.stream(**question) as stream:
        accumulated = (await stream.get_final_message()).to_dict()
    assert without_ids(accumulated) == without_ids(plain)


@pytest.mark.parametrize("name", sorted(WHOLE - {"crlf"}))
async def test_the_order_of_events(http: httpx2.AsyncClient, name: str) -> None:
    """A stream begins with message_start, opens and closes each block, and ends with message_delta and stop."""
    events = await streamed(http, "Why?", model=model(name))
    seen = [event for event in events if event.name != "ping"]
    assert names(seen)[0] == "message_start"
    assert names(seen)[-2:] == ["message_delta", "message_stop"]
    inside = [event.data["index"] for event in seen[1:-2]]
    assert inside == sorted(inside)
    for index in set(inside):
        of_block = [event.name for event in seen[1:-2] if event.data["index"] == index]
        assert of_block[0] == "content_block_start"
        assert of_block[-1] == "content_block_stop"
        assert set(of_block[1:-1]) <= {"content_block_delta"}


@pytest.mark.parametrize(
    ("name", "blocks", "stop"),
    [
        ("text", ["text"], "end_turn"),
        ("thinking", ["thinking", "text"], "end_turn"),
        ("redacted-thinking", ["redacted_thinking", "text"], "end_turn"),
        ("tools", ["text", "tool_use", "tool_use"], "tool_use"),
        ("tools-3", ["text", "tool_use", "tool_use", "tool_use"], "tool_use"),
        ("server-tools", ["text", "server_tool_use", "web_search_tool_result", "text"], "end_turn"),
        ("citations", ["text"], "end_turn"),
        ("empty", [], "end_turn"),
        ("refusal", ["text"], "refusal"),
        ("pause-turn", ["text", "server_tool_use"], "pause_turn"),
    ],
)
async def test_what_is_said(http: httpx2.AsyncClient, name: str, blocks: list[str], stop: str) -> None:
    """Each scenario says its blocks and stops for its reason."""
    message = await whole(http, "Why?", model=f"claude-sim-{name}")
    assert kinds(message) == blocks
    assert message["stop_reason"] == stop


async def test_the_cache(http: httpx2.AsyncClient) -> None:
    """What was written to and read from the cache is in the first and in the last usage."""
    events = await streamed(http, "Why?", model="claude-sim-cache-created-10-read-20")
    for usage in (events[0].data["message"]["usage"], events[-2].data["usage"]):
        assert usage["cache_creation_input_tokens"] == 10
        assert usage["cache_read_input_tokens"] == 20
    assert events[0].data["message"]["usage"]["cache_creation"]["ephemeral_5m_input_tokens"] == 10


async def test_multibyte(http: httpx2.AsyncClient) -> None:
    """Characters of every kind arrive as UTF-8 as they are, those that look like line ends too."""
    response = await http.post("/v1/messages", json=body(model="claude-sim-multibyte", stream=True))
    text = text_of(events_in(response.content))
    for wanted in ("👩‍👩‍👧‍👦", "日本語", "\u2028", "\u0085", "\u2029", '"quotes"', "back\\slash", "\t", "\n"):
        assert wanted in text
    assert "\u2028".encode() in response.content


async def test_citations_quote_the_document(http: httpx2.AsyncClient) -> None:
    """A citation's indexes find its text in the document."""
    document = "The sky scatters blue light.\nMore."
    source = {"type": "text", "media_type": "text/plain", "data": document}
    content = [{"type": "document", "source": source}, {"type": "text", "text": "Why? [[sim:citations]]"}]
    message = await whole(http, "", messages=[{"role": "user", "content": content}])
    citation = message["content"][0]["citations"][0]
    assert document[citation["start_char_index"] : citation["end_char_index"]] == citation["cited_text"]


async def test_pings(http: httpx2.AsyncClient) -> None:
    """A ping comes before every second delta."""
    events = await streamed(http, "Why?", model="claude-sim-pings-2-events-6")
    middle = names(events)[3:-3]
    assert middle == ["ping", "content_block_delta", "content_block_delta"] * 3


async def test_crlf(http: httpx2.AsyncClient) -> None:
    """Every line ends with CR LF, and the text is what it is without."""
    response = await http.post("/v1/messages", json=body(model="claude-sim-crlf", stream=True))
    assert response.content.count(b"\n") == response.content.count(b"\r\n")
    assert text_of(events_in(response.content)) == text_of(await streamed(http, "Why is the sky blue?"))


async def broken(http: httpx2.AsyncClient, name: str, **fields: Any) -> tuple[bytes, type[Exception] | None]:
    """What came of a call, and the error that ended it."""
    received = b""
    sent = body() | {"model": f"claude-sim-{name}", "stream": True} | fields
    try:
        async with http.stream("POST", "/v1/messages", json=sent) as response:
            async for part in response.aiter_raw():
                received += part
    except httpx2.TransportError as error:
        return received, type(error)
    return received, None


@pytest.mark.parametrize("after", [0, 1, 2, 5, 9])
async def test_cut_after_so_many_events(http: httpx2.AsyncClient, after: int) -> None:
    """Exactly so many events come, then the connection ends without the end of the response."""
    received, error = await broken(http, f"cut-after-{after}")
    assert received.count(b"event: ") == after
    assert received == b"" or received.endswith(b"\n\n")
    assert error is httpx2.RemoteProtocolError


async def test_cut_before_content(http: httpx2.AsyncClient) -> None:
    """What announces the content comes, and none of it."""
    received, error = await broken(http, "cut-before-content")
    assert names(events_in(received)) == ["message_start", "content_block_start", "ping"]
    assert error is httpx2.RemoteProtocolError


@pytest.mark.parametrize("stream", [True, False])
async def test_cut_before_headers(http: httpx2.AsyncClient, stream: bool) -> None:
    """Not even a status comes."""
    received, error = await broken(http, "cut-before-headers", stream=stream)
    assert received == b""
    assert error is httpx2.RemoteProtocolError
    assert (await calls(http))[0]["status"] is None


async def test_cut_by_a_reset(http: httpx2.AsyncClient) -> None:
    """The connection is reset, as a crashed peer does it."""
    assert (await broken(http, "cut-after-0-reset"))[1] is httpx2.ReadError


async def test_a_whole_body_is_cut_in_half(http: httpx2.AsyncClient) -> None:
    """A call that does not stream gets a part of its body and the loss of its connection."""
    received, error = await broken(http, "cut-after-5", stream=False)
    assert received.startswith(b'{"model":')
    assert error is httpx2.RemoteProtocolError


@pytest.mark.parametrize(("name", "events"), [("before-headers", None), ("before-content", 3), ("after-6", 6)])
async def test_a_stall(http: httpx2.AsyncClient, name: str, events: int | None) -> None:
    """So many events come, then nothing, while the call stays open."""
    received = bytearray()

    async def read() -> None:
        sent = body(model=f"claude-sim-stall-{name}", stream=True)
        async with http.stream("POST", "/v1/messages", json=sent) as response:
            async for part in response.aiter_raw():
                received.extend(part)

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(read(), 0.15)
    assert received.count(b"event: ") == (events or 0)


async def test_no_message_stop(http: httpx2.AsyncClient) -> None:
    """The response ends as HTTP wants it, with all but its last event."""
    received, error = await broken(http, "no-message-stop")
    assert error is None
    assert names(events_in(received))[-1] == "message_delta"


async def test_an_error_as_the_first_event(http: httpx2.AsyncClient) -> None:
    """A 200, one `event: error` of the API's shape, and the end."""
    received, error = await broken(http, "error-first")
    (event,) = events_in(received)
    assert event.name == "error"
    assert event.data["error"]["type"] == "overloaded_error"
    assert error is None


async def test_an_error_in_the_middle(http: httpx2.AsyncClient) -> None:
    """So many events, then the error; a call that does not stream gets its status."""
    received, _ = await broken(http, "error-mid-stream-after-4-status-500")
    assert names(events_in(received)) == [
        *["message_start", "content_block_start", "ping"],
        "content_block_delta",
        "error",
    ]
    response = await http.post("/v1/messages", json=body(model="claude-sim-error-mid-stream-status-500"))
    assert response.status_code == 500


async def test_garbage(http: httpx2.AsyncClient) -> None:
    """Bytes that are no event come behind so many events, and the rest of the answer behind them."""
    received, error = await broken(http, "garbage-after-4")
    before, _, rest = received.partition(GARBAGE)
    assert len(events_in(before)) == 4
    assert names(events_in(rest))[-1] == "message_stop"
    assert error is None


@pytest.mark.parametrize("name", ["error-503-then-ok-2", "error-first-then-ok-2", "error-mid-stream-then-ok-2"])
async def test_a_conversation_recovers(http: httpx2.AsyncClient, name: str) -> None:
    """The first two calls of a conversation fail, the third succeeds; another conversation begins anew."""

    async def succeeds(user: str) -> bool:
        sent = body(model=f"claude-sim-{name}", stream=True, metadata={"user_id": user})
        return b"event: message_stop" in (await http.post("/v1/messages", json=sent)).content

    assert [await succeeds("one") for _ in range(4)] == [False, False, True, True]
    assert not await succeeds("two")


async def test_the_number_of_deltas(http: httpx2.AsyncClient) -> None:
    """`events` is the number of text deltas, fewer or more than the answer would have."""
    for wanted in (1, 30, 1_000):
        events = await streamed(http, f"Why? [[sim:text events={wanted}]]")
        assert len(deltas(events)) == wanted
        assert events[-2].data["usage"]["output_tokens"] == wanted


async def test_long_is_long(http: httpx2.AsyncClient) -> None:
    """The long answer has 4,000 deltas and is text all the way."""
    events = await streamed(http, "Why?", model="claude-sim-long")
    assert len(deltas(events)) == 4_000
    assert len(text_of(events).split()) > 2_000


def deltas(events: list[Event]) -> list[Event]:
    return [event for event in events if event.name == "content_block_delta"]
