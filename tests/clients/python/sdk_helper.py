"""Anthropic's Python SDK by its stream helper, `messages.stream`, which puts the message together itself."""

from typing import Any

from tests.clients.python.sdk_calls import arguments, client_of
from tests.clients.python.speaking import Asked, Outcome, side_by_side
from tests.clients.python.told import second_turn, tell_message


def talk_helper(asked: Asked, outcome: Outcome) -> None:
    """The client `anthropic stream helper`."""
    helper = client_of(asked).messages.stream
    if asked["kind"] == "tool_loop":
        _tool_loop(helper, asked, outcome)
    elif asked["kind"] == "cancel":
        _cancel(helper, asked, outcome)
    elif asked["kind"] == "parallel":
        outcome["parts"] = side_by_side(lambda body: _part(helper, asked | {"body": body}), asked["bodies"])
    else:
        follow(helper, asked, outcome)


def follow(helper: Any, asked: Asked, outcome: Outcome) -> None:
    """Read a stream of the helper to its end: its own events, and the message that they amount to."""
    outcome |= {"events": [], "pieces": 0, "inputs": []}
    with helper(**arguments(helper, asked)) as stream:
        outcome["request_id"] = stream.request_id is not None
        for event in stream:
            if event.type == "ping":
                continue
            outcome["events"].append(event.type)
            if event.type == "text":
                outcome["pieces"] += 1
                outcome["so_far"] = event.snapshot
            elif event.type == "input_json":
                outcome["inputs"].append(event.partial_json)
        tell_message(stream.get_final_message().to_dict(), outcome)


def _part(helper: Any, asked: Asked) -> Outcome:
    part: Outcome = {}
    follow(helper, asked, part)
    return part


def _tool_loop(helper: Any, asked: Asked, outcome: Outcome) -> None:
    first = _part(helper, asked)
    follow(helper, asked | {"body": second_turn(asked["body"], first["blocks"], asked["tool_result"])}, outcome)
    outcome["tools"] = first["tools"] + outcome["tools"]
    outcome["stop_reasons"] = [first["stop_reason"], outcome["stop_reason"]]


def _cancel(helper: Any, asked: Asked, outcome: Outcome) -> None:
    texts = []
    with helper(**arguments(helper, asked)) as stream:
        for text in stream.text_stream:
            texts.append(text)
            if len(texts) == asked["after"]:
                break
    outcome["text"] = "".join(texts)
