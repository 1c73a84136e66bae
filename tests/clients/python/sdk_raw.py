"""Anthropic's Python SDK by `with_raw_response` and `with_streaming_response`: what it shows of the HTTP answer."""

from typing import Any

from anthropic import Anthropic

from tests.clients.python.sdk_calls import arguments, client_of, extras
from tests.clients.python.speaking import Asked, Outcome
from tests.clients.python.told import Told, tell_message

_VARIES = ("-reset",)


def talk_raw(asked: Asked, outcome: Outcome) -> None:
    """The client `anthropic raw`."""
    client = client_of(asked)
    if asked["kind"] == "stream":
        _stream(client, asked, outcome)
        return
    response = _called(client, asked)
    _tell_head(response, outcome)
    parsed = response.parse()
    if asked["kind"] == "message":
        tell_message(parsed.to_dict(), outcome)
    elif asked["kind"] == "count_tokens":
        outcome["input_tokens"] = parsed.input_tokens
    elif asked["kind"] == "model":
        outcome["model"] = parsed.to_dict(mode="json")
    else:
        outcome["models"] = [model.to_dict(mode="json") for model in parsed]


def _called(client: Anthropic, asked: Asked) -> Any:
    messages, models = client.messages, client.models
    if asked["kind"] == "message":
        return messages.with_raw_response.create(**arguments(messages.create, asked))
    if asked["kind"] == "count_tokens":
        body = {name: value for name, value in asked["body"].items() if name != "max_tokens"}
        return messages.with_raw_response.count_tokens(**arguments(messages.count_tokens, asked | {"body": body}))
    if asked["kind"] == "model":
        return models.with_raw_response.retrieve(asked["model"], **extras(asked))
    return models.with_raw_response.list(limit=asked["limit"], **extras(asked))


def _stream(client: Anthropic, asked: Asked, outcome: Outcome) -> None:
    opened = client.messages.with_streaming_response.create(**arguments(client.messages.create, asked, stream=True))
    with opened as response:
        _tell_head(response, outcome)
        told = Told(outcome)
        for event in response.parse():
            told.take(event.to_dict())


def _tell_head(response: Any, outcome: Outcome) -> None:
    outcome["status"] = response.status_code
    outcome["request_id"] = response.request_id is not None
    headers = response.headers.items()
    outcome["headers"] = {
        name: "…" if name.endswith(_VARIES) else value for name, value in headers if name.startswith("anthropic-")
    }
    outcome["content_type"] = response.headers["content-type"].partition(";")[0]
