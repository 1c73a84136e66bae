"""Anthropic's Python SDK by its beta namespace, and by the tool runner there."""

from typing import Any

from anthropic import Anthropic, beta_tool

from tests.clients.python.sdk_calls import arguments, client_of, extras
from tests.clients.python.sdk_helper import follow
from tests.clients.python.speaking import Asked, Outcome
from tests.clients.python.told import tell_message


def talk_beta(asked: Asked, outcome: Outcome) -> None:
    """The client `anthropic beta`: `create`, and the stream helper. Beta names travel as its own argument."""
    beta = client_of(asked).beta
    asked = _with_betas(asked)
    if asked["kind"] == "message":
        tell_message(beta.messages.create(**arguments(beta.messages.create, asked)).to_dict(), outcome)
    elif asked["kind"] == "stream":
        follow(beta.messages.stream, asked, outcome)
    elif asked["kind"] == "count_tokens":
        body = {name: value for name, value in asked["body"].items() if name != "max_tokens"}
        counted = beta.messages.count_tokens(**arguments(beta.messages.count_tokens, asked | {"body": body}))
        outcome["input_tokens"] = counted.input_tokens
    elif asked["kind"] == "model":
        outcome["model"] = beta.models.retrieve(asked["model"], **extras(asked)).to_dict(mode="json")
    else:
        outcome["models"] = [
            model.to_dict(mode="json") for model in beta.models.list(limit=asked["limit"], **extras(asked))
        ]


def _with_betas(asked: Asked) -> Asked:
    headers = dict(asked.get("headers", {}))
    if "anthropic-beta" not in headers:
        return asked
    betas = headers.pop("anthropic-beta").split(",")
    return asked | {"headers": headers, "body": asked["body"] | {"betas": betas}}


def run_tools(asked: Asked, outcome: Outcome) -> None:
    """The client `anthropic tool runner`: it calls the tool itself and goes on until there is nothing to call."""
    outcome |= {"tools": [], "stop_reasons": []}

    @beta_tool
    def get_weather(location: str, days: int = 1) -> str:
        """The weather at a place."""
        return str(asked["tool_result"])

    for message in _turns(client_of(asked), asked, [get_weather]):
        tools = outcome["tools"]
        tell_message(message, outcome)
        outcome["tools"] = tools + outcome["tools"]
        outcome["stop_reasons"].append(outcome["stop_reason"])


def _turns(client: Anthropic, asked: Asked, tools: list[Any]) -> Any:
    """The messages of a run that streams."""
    body = asked["body"] | {"tools": tools}
    run = client.beta.messages.tool_runner
    for stream in run(**arguments(run, asked | {"body": body}, stream=True)):
        yield stream.get_final_message().to_dict()
