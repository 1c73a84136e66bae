"""Our own checks of every answer that schemathesis gets, and a tally of them; schemathesis.toml names this file.

Does not know: how the gateway is started, how often it is asked.
"""

import atexit
import json
import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.core.transport import Response

_tally: defaultdict[str, Counter[int]] = defaultdict(Counter)
_READINESS = "/readyz"  # its 503 is for load balancers, which read no Anthropic errors


@schemathesis.hook
def after_call(context: schemathesis.HookContext, case: "schemathesis.Case[Any]", response: Response) -> None:
    """Count it."""
    _tally[f"{case.operation.method.upper()} {case.operation.path}"][response.status_code] += 1


@atexit.register
def keep_tally() -> None:
    """For whoever started this process."""
    Path(os.environ["SLUICE_FUZZ_TALLY"]).write_text(json.dumps(_tally))


def _assert_error(told: Any) -> None:
    assert isinstance(told, dict) and told["type"] == "error", f"not an Anthropic error: {told!r}"
    error = told["error"]
    assert isinstance(error["type"], str) and isinstance(error["message"], str), f"not an Anthropic error: {told!r}"
    assert error["message"], "the error says nothing"
    assert told["request_id"], "the error names no request"
    assert "Traceback" not in str(told)


@schemathesis.check
def errors_are_anthropic_errors(
    ctx: schemathesis.CheckContext, response: Response, case: "schemathesis.Case[Any]"
) -> bool | None:
    """Every answer that is no success has a request id, and says what is wrong in Anthropic's shape."""
    if response.status_code < 300 or case.operation.path == _READINESS:
        return None
    assert response.headers.get("request-id"), "an error without request-id"
    if response.request.method != "HEAD":
        assert response.headers["content-type"][0].startswith("application/json")
        told = json.loads(response.content)
        _assert_error(told)
        assert told["request_id"] == response.headers["request-id"][0]
    return None


@schemathesis.check
def statuses_have_a_number(
    ctx: schemathesis.CheckContext, response: Response, case: "schemathesis.Case[Any]"
) -> bool | None:
    """The document names this very status: `4XX` is for what upstreams invent, and this one invents nothing."""
    named = case.operation.responses.status_codes
    assert str(response.status_code) in named, f"{response.status_code} is only covered by a range, or not at all"
    return None


@schemathesis.check
def streams_end_by_name(
    ctx: schemathesis.CheckContext, response: Response, case: "schemathesis.Case[Any]"
) -> bool | None:
    """A stream consists of whole events, and the last one is `message_stop`, an error, or `[DONE]`."""
    if not response.headers.get("content-type", [""])[0].startswith("text/event-stream"):
        return None
    assert not response.stream_cut_short, "the stream did not end"
    *events, rest = response.content.split(b"\n\n")
    assert rest == b"" and events, f"the stream ends inside an event: {rest[-200:]!r}"
    lines = dict(line.split(b": ", 1) for line in events[-1].split(b"\n"))
    if lines[b"data"] == b"[DONE]":
        return None
    if lines[b"event"] == b"error":
        _assert_error(json.loads(lines[b"data"]))
    else:
        assert lines[b"event"] == b"message_stop", f"the last event is {lines[b'event']!r}"
    return None
