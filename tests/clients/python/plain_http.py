"""What clients without an SDK share: the head of a request, and an answer's head and body in the contract's names.

Does not know: how a request travels.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.clients.python.speaking import KEY, Asked, Outcome
from tests.clients.python.told import tell_message

VERSION = "2023-06-01"
# Not every header is the upstream's word: `date` and `connection` are of this hop.
_SHOWN = ("anthropic-", "retry-after", "x-should-retry", "content-type")


class Refused(Exception):
    """An answer that is no success."""


def url_of(asked: Asked, path: str, **query: Any) -> str:
    """The address of a call."""
    everything = {**asked.get("query", {}), **query}
    return f"{asked['base_url']}{path}" + (f"?{urlencode(everything)}" if everything else "")


def headers_of(asked: Asked) -> dict[str, str]:
    """The headers of a call, the application's last."""
    bearer = asked.get("auth") == "bearer"
    key = {"authorization": f"Bearer {KEY}"} if bearer else {"x-api-key": KEY}
    return {"content-type": "application/json", "anthropic-version": VERSION, **key, **asked.get("headers", {})}


def tell_head(status: int, headers: Mapping[str, str], outcome: Outcome) -> None:
    """What the application may want of an answer's head. Times are left out: they differ from second to second."""
    outcome["status"] = status
    outcome["request_id"] = "request-id" in headers
    shown = {name: value for name, value in headers.items() if name.startswith(_SHOWN)}
    outcome["headers"] = {name: "…" if name.endswith("-reset") else value for name, value in shown.items()}


def tell_refusal(status: int, headers: Mapping[str, str], body: bytes, outcome: Outcome) -> None:
    """An answer that is no success, as an error with the whole body."""
    error = {"class": "status", "status": status, "retry_after": headers.get("retry-after"), "body": body.decode()}
    try:
        said = json.loads(body)["error"]
        error |= {"type": said["type"], "message": said["message"]}
    except (ValueError, KeyError, TypeError):
        error |= {"type": None, "message": None}
    outcome["error"] = error


def tell_body(kind: str, body: bytes, outcome: Outcome) -> None:
    """A whole answer that is a success, with its bytes."""
    found = json.loads(body)
    if kind == "message":
        tell_message(found, outcome)
    elif kind == "count_tokens":
        outcome["input_tokens"] = found["input_tokens"]
    else:
        outcome["model"] = found
    outcome["body"] = body.decode()


def tell_error_event(data: Any, outcome: Outcome) -> None:
    """An `event: error`."""
    outcome["error"] = {"class": "event", **data["error"]}
