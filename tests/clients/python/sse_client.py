"""The driver of httpx-sse: an application of its own that speaks HTTP through httpx and has no SDK."""

import json
from typing import Any

import httpx
from httpx_sse import connect_sse

from tests.clients.python.plain_http import headers_of, tell_body, tell_error_event, tell_head, tell_refusal, url_of
from tests.clients.python.speaking import LIMIT_S, Asked, Outcome, plain_failure, side_by_side, speak
from tests.clients.python.threads import PerThread
from tests.clients.python.told import Told, second_turn

_http = PerThread(lambda: httpx.Client(timeout=LIMIT_S, verify=False, trust_env=False))
_PATHS = {"message": "/v1/messages", "count_tokens": "/v1/messages/count_tokens"}


def talk(asked: Asked, outcome: Outcome) -> None:
    """The client `httpx-sse`."""
    kind = asked["kind"]
    if kind == "stream":
        _stream(asked, outcome)
    elif kind == "tool_loop":
        _tool_loop(asked, outcome)
    elif kind == "cancel":
        _stream(asked, outcome, most=asked["after"])
    elif kind == "parallel":
        outcome["parts"] = side_by_side(lambda body: _part(asked | {"body": body}), asked["bodies"])
    elif kind == "models":
        _models(asked, outcome)
    elif kind == "model":
        _tell(_http().get(url_of(asked, f"/v1/models/{asked['model']}"), headers=headers_of(asked)), kind, outcome)
    else:
        body = {name: value for name, value in asked["body"].items() if kind == "message" or name != "max_tokens"}
        _tell(_http().post(url_of(asked, _PATHS[kind]), json=body, headers=headers_of(asked)), kind, outcome)


def _stream(asked: Asked, outcome: Outcome, most: int = 0) -> None:
    body = {**asked["body"], "stream": True}
    with connect_sse(_http(), "POST", url_of(asked, "/v1/messages"), json=body, headers=headers_of(asked)) as source:
        response = source.response
        tell_head(response.status_code, response.headers, outcome)
        if response.status_code != 200:
            tell_refusal(response.status_code, response.headers, response.read(), outcome)
            return
        told = Told(outcome)
        for event in source.iter_sse():
            data = json.loads(event.data)
            if event.event == "error":
                tell_error_event(data, outcome)
                return
            assert event.event == data["type"]
            told.take(data)
            if most and outcome["pieces"] == most:
                return


def _part(asked: Asked) -> Outcome:
    part: Outcome = {}
    _stream(asked, part)
    return part


def _tool_loop(asked: Asked, outcome: Outcome) -> None:
    first = _part(asked)
    _stream(asked | {"body": second_turn(asked["body"], first["blocks"], asked["tool_result"])}, outcome)
    outcome["tools"] = first["tools"] + outcome["tools"]
    outcome["stop_reasons"] = [first["stop_reason"], outcome["stop_reason"]]


def _models(asked: Asked, outcome: Outcome) -> None:
    outcome["models"] = []
    after: dict[str, str] = {}
    more = True
    while more:
        url = url_of(asked, "/v1/models", limit=asked["limit"], **after)
        page: Any = _http().get(url, headers=headers_of(asked)).json()
        outcome["models"] += page["data"]
        after, more = {"after_id": page["last_id"]}, page["has_more"]


def _tell(response: httpx.Response, kind: str, outcome: Outcome) -> None:
    tell_head(response.status_code, response.headers, outcome)
    if response.status_code == 200:
        tell_body(kind, response.content, outcome)
    else:
        tell_refusal(response.status_code, response.headers, response.content, outcome)


if __name__ == "__main__":
    speak({"httpx-sse": talk}, plain_failure)
