"""Anthropic's Python SDK by its plain calls: `create`, with and without `stream=True`."""

from typing import Any

from anthropic import Anthropic

from tests.clients.python.sdk_calls import arguments, client_of, extras
from tests.clients.python.speaking import Asked, Outcome, side_by_side
from tests.clients.python.told import Told, second_turn, tell_message


def talk(asked: Asked, outcome: Outcome) -> None:
    """The client `anthropic`."""
    KINDS[asked["kind"]](client_of(asked), asked, outcome)


def _message(client: Anthropic, asked: Asked, outcome: Outcome) -> None:
    message = client.messages.create(**arguments(client.messages.create, asked))
    tell_message(message.to_dict(), outcome)
    outcome["request_id"] = message._request_id is not None


def _stream(client: Anthropic, asked: Asked, outcome: Outcome) -> None:
    told = Told(outcome)
    with _opened(client, asked) as stream:
        for event in stream:
            told.take(event.to_dict())


def _opened(client: Anthropic, asked: Asked) -> Any:
    return client.messages.create(**arguments(client.messages.create, asked, stream=True))


def _tool_loop(client: Anthropic, asked: Asked, outcome: Outcome) -> None:
    first: Outcome = {}
    _stream(client, asked, first)
    body = second_turn(asked["body"], first["blocks"], asked["tool_result"])
    _stream(client, asked | {"body": body}, outcome)
    outcome["tools"] = first["tools"] + outcome["tools"]
    outcome["stop_reasons"] = [first["stop_reason"], outcome["stop_reason"]]


def _cancel(client: Anthropic, asked: Asked, outcome: Outcome) -> None:
    seen: Outcome = {}
    told = Told(seen)
    with _opened(client, asked) as stream:
        for event in stream:
            told.take(event.to_dict())
            if seen["pieces"] == asked["after"]:
                break
    outcome["text"] = seen["text"]


def _parallel(client: Anthropic, asked: Asked, outcome: Outcome) -> None:
    def one(body: dict[str, Any]) -> Outcome:
        part: Outcome = {}
        _stream(client, asked | {"body": body}, part)
        return part

    outcome["parts"] = side_by_side(one, asked["bodies"])


def _count_tokens(client: Anthropic, asked: Asked, outcome: Outcome) -> None:
    counted = client.messages.count_tokens(**arguments(client.messages.count_tokens, _countable(asked)))
    outcome["input_tokens"] = counted.input_tokens


def _countable(asked: Asked) -> Asked:
    return asked | {"body": {name: value for name, value in asked["body"].items() if name != "max_tokens"}}


def _models(client: Anthropic, asked: Asked, outcome: Outcome) -> None:
    outcome["models"] = [
        model.to_dict(mode="json") for model in client.models.list(limit=asked["limit"], **extras(asked))
    ]


def _model(client: Anthropic, asked: Asked, outcome: Outcome) -> None:
    outcome["model"] = client.models.retrieve(asked["model"], **extras(asked)).to_dict(mode="json")


KINDS = {
    "message": _message,
    "stream": _stream,
    "tool_loop": _tool_loop,
    "cancel": _cancel,
    "parallel": _parallel,
    "count_tokens": _count_tokens,
    "models": _models,
    "model": _model,
}
