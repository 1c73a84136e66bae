"""gateway/final_message.py: the message that a stream amounts to is the one that Anthropic's SDK accumulates."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent

from gateway.final_message import final_message
from simulator.ask import read_ask
from simulator.checks import checked_body
from simulator.choice import Pace, choose
from simulator.http import HttpRequest
from simulator.message import Envelope, event, message_body, message_frames
from simulator.scenario import Call
from streamlog.frames import id_line
from streamlog.positions import Position

JOB = "job_" + "x" * 22
TOOL = {"name": "get_weather", "input_schema": {"type": "object", "properties": {"location": {"type": "string"}}}}
SCENARIOS = (
    "text events=5",
    "thinking events=5",
    "redacted-thinking events=5",
    "tools",
    "server-tools events=5",
    "citations events=5",
    "cache events=5",
    "multibyte",
    "empty",
    "refusal",
    "pause-turn",
)


def events_and_body(scenario: str) -> tuple[list[bytes], dict[str, Any]]:
    """The simulator's answer in both forms: its events and the body of a call that does not stream."""
    body = {
        "model": "claude-x",
        "max_tokens": 4096,
        "tools": [TOOL],
        "messages": [{"role": "user", "content": f"[[sim:{scenario}]] The weather in Oslo?"}],
    }
    raw = json.dumps(body).encode()
    headers = {"x-api-key": "key", "anthropic-version": "2023-06-01"}
    ask = read_ask(checked_body(HttpRequest("POST", "/v1/messages", "", headers, raw, len(raw), False, 0.0)))
    choice = choose(ask, headers, Pace(0, 0))
    answer = choice.scenario.reply(Call(ask, choice.values, lambda: 0)).answer
    envelope = Envelope("msg_1", ask.model)
    return [frame.data for frame in message_frames(answer, envelope)], json.loads(message_body(answer, envelope))


def logged(events: list[bytes]) -> Iterator[bytes]:
    """The events as frames in chunks of three, as a log holds them."""
    frames = [id_line(JOB, Position(1, number)) + data for number, data in enumerate(events, 1)]
    for at in range(0, len(frames), 3):
        yield b"".join(frames[at : at + 3])


def accumulated(events: list[bytes]) -> dict[str, Any]:
    """What the SDK makes of the same events."""
    snapshot, buffers = None, cast(dict[int, bytes], {})
    for data in events:
        said = json.loads(data.split(b"data: ", 1)[1])
        if said["type"] != "ping":
            snapshot = accumulate_event(
                event=cast(RawMessageStreamEvent, said), current_snapshot=snapshot, json_bufs=buffers
            )
    assert snapshot is not None
    return cast(dict[str, Any], snapshot.to_dict(mode="json"))


def block(index: int, skeleton: dict[str, Any], *deltas: dict[str, Any]) -> list[bytes]:
    """The events of one content block."""
    made = [event("content_block_start", {"type": "content_block_start", "index": index, "content_block": skeleton})]
    made += [
        event("content_block_delta", {"type": "content_block_delta", "index": index, "delta": one}) for one in deltas
    ]
    return [*made, event("content_block_stop", {"type": "content_block_stop", "index": index})]


def message(*blocks: list[bytes], **stop: Any) -> list[bytes]:
    """A whole message around these blocks."""
    usage = {"input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 2}
    started: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [],
    }
    started |= {"stop_reason": None, "stop_sequence": None, "usage": usage}
    delta = {"stop_reason": "end_turn", "stop_sequence": None, "stop_details": None} | stop
    return [
        event("message_start", {"type": "message_start", "message": started}),
        *(one for made in blocks for one in made),
        event("message_delta", {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}}),
        event("message_stop", {"type": "message_stop"}),
    ]


def tool_use(*parts: str) -> list[bytes]:
    skeleton = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}
    return block(0, skeleton, *({"type": "input_json_delta", "partial_json": part} for part in parts))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_stream_amounts_to_what_the_sdk_accumulates(scenario: str) -> None:
    """Text, thinking with its signature, tools, server tools, citations, usage with cache, and how it stopped."""
    events, _ = events_and_body(scenario)
    assert final_message(logged(events)) == accumulated(events)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_stream_amounts_to_the_body_of_the_same_call_without_streaming(scenario: str) -> None:
    """Which is what whoever asks for a job's message expects."""
    events, body = events_and_body(scenario)
    ids = {value["id"] for value in body["content"] if "id" in value}
    found = json.loads(json.dumps(final_message(logged(events))))
    assert ids == {value["id"] for value in found["content"] if "id" in value}
    assert found["content"] == body["content"]
    assert found["stop_reason"] == body["stop_reason"]
    assert found["usage"] == body["usage"]


@pytest.mark.parametrize("input_json", ['{"location": "Oslo", "days": [1, 2', '{"location": "Os', '{"loc', '{"a": tru'])
def test_tool_input_that_max_tokens_cut_is_kept_as_far_as_it_goes(input_json: str) -> None:
    """Half an object is no reason to lose the message."""
    events = message(tool_use("", input_json[:5], input_json[5:]), stop_reason="max_tokens")
    found = final_message(logged(events))
    assert found is not None and found["content"] == accumulated(events)["content"]


def test_tool_input_without_any_json_is_empty() -> None:
    """A tool without parameters gets an object."""
    found = final_message(logged(message(tool_use(""))))
    assert found is not None and found["content"][0]["input"] == {}


def test_tool_input_that_is_no_json_is_given_as_it_was_said() -> None:
    """What cannot be read is shown, and the rest of the message with it."""
    found = final_message(logged(message(tool_use("nonsense"))))
    assert found is not None and found["content"][0]["input"] == "nonsense"


def test_unknown_events_and_deltas_are_left_out() -> None:
    """A new kind of either does not cost the message."""
    new_delta = block(
        0, {"type": "text", "text": ""}, {"type": "new_delta", "x": 1}, {"type": "text_delta", "text": "a"}
    )
    events = message(new_delta, [event("new_event", {"type": "new_event"})])
    found = final_message(logged(events))
    assert found is not None and found["content"] == [{"type": "text", "text": "a"}]


def test_a_block_of_an_unknown_kind_is_kept_whole() -> None:
    """Its skeleton is all that is known of it."""
    found = final_message(logged(message(block(0, {"type": "new_block", "x": [1]}))))
    assert found is not None and found["content"] == [{"type": "new_block", "x": [1]}]


def test_later_usage_replaces_earlier_and_null_says_nothing() -> None:
    """Figures of `message_start` that `message_delta` does not repeat survive."""
    found = final_message(logged(message()))
    assert found is not None
    assert found["usage"] == {"input_tokens": 3, "output_tokens": 9, "cache_read_input_tokens": 2}


def test_line_separators_inside_texts_are_texts() -> None:
    """U+2028 and U+0085 split nothing."""
    text = "one\u2028two\u0085three\u2029"
    found = final_message(logged(message(block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": text}))))
    assert found is not None and found["content"][0]["text"] == text


def test_events_with_crlf_amount_to_the_same() -> None:
    """An upstream may end its lines so."""
    events, _ = events_and_body("text events=3")
    crlf = [data.replace(b"\n", b"\r\n") for data in events]
    assert final_message(logged(crlf)) == final_message(logged(events))


def test_a_stream_without_message_start_amounts_to_nothing() -> None:
    """There is no message to speak of."""
    assert final_message(logged(message()[1:])) is None
    assert final_message([]) is None


@pytest.mark.parametrize(
    "events",
    [
        [b"event: message_start\ndata: {}\n\n"],
        [b"event: message_start\ndata: not json\n\n"],
        [b"event: message_start\ndata: [1]\n\n"],
        message([event("content_block_delta", {"type": "content_block_delta", "index": 3, "delta": {"type": "x"}})]),
        message([event("content_block_start", {"type": "content_block_start", "index": 0})]),
        message([event("message_delta", {"type": "message_delta", "delta": 5})]),
    ],
)
def test_events_that_do_not_fit_together_amount_to_nothing(events: list[bytes]) -> None:
    """An upstream may say anything; whoever looks at the job still gets its state."""
    assert final_message(logged(events)) is None
