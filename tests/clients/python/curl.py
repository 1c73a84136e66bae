"""The driver of curl: what it prints, byte by byte.

Of a stream it tells every event as it came, but for what a gateway may add: `id` lines, and pings without one.
"""

import json
import re
import subprocess
from typing import Any

from tests.clients.python.plain_http import headers_of, tell_body, tell_error_event, tell_head, tell_refusal, url_of
from tests.clients.python.speaking import LIMIT_S, Asked, Outcome, plain_failure, side_by_side, speak
from tests.clients.python.told import Told, second_turn

_END_OF_EVENT = re.compile(rb"(?<=\n\n)|(?<=\r\n\r\n)")
_ID = re.compile(rb"^id: [^\r\n]*\r?\n")
_PATHS = {"message": "/v1/messages", "stream": "/v1/messages", "count_tokens": "/v1/messages/count_tokens"}


def talk(asked: Asked, outcome: Outcome) -> None:
    """The client `curl`."""
    kind = asked["kind"]
    if kind == "cancel":
        _cancel(asked, outcome)
    elif kind == "tool_loop":
        _tool_loop(asked, outcome)
    elif kind == "parallel":
        outcome["parts"] = side_by_side(lambda body: _part(asked | {"kind": "stream", "body": body}), asked["bodies"])
    elif kind == "models":
        _models(asked, outcome)
    else:
        _once(asked, outcome)


def _command(asked: Asked, url: str, *, posts: bool) -> list[str]:
    """Without its progress meter and its buffer, and with the head of the answer first."""
    headers = [word for name, value in headers_of(asked).items() for word in ("--header", f"{name}: {value}")]
    retries = asked.get("max_retries", 0)
    retry = ("--retry", str(retries)) if retries else ()
    data = ("--data-binary", "@-") if posts else ()
    return ["curl", "-sS", "-N", "-i", "--max-time", str(LIMIT_S), *retry, *headers, *data, url]


def _call(asked: Asked, url: str, body: Any = None) -> tuple[int, dict[str, str], bytes, str]:
    """Status, headers and body of the last answer, and what curl complained of."""
    sent = b"" if body is None else json.dumps(body).encode()
    done = subprocess.run(_command(asked, url, posts=body is not None), input=sent, capture_output=True, check=False)
    complaint = done.stderr.decode().strip() if done.returncode else ""
    head, _, rest = done.stdout.rpartition(b"HTTP/1.1 ")[2].partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(status.split()[0] or 0) if status else 0, headers, rest, complaint


def _once(asked: Asked, outcome: Outcome) -> None:
    kind, body = asked["kind"], None
    if "body" in asked:
        body = {name: value for name, value in asked["body"].items() if kind != "count_tokens" or name != "max_tokens"}
    if kind == "stream":
        body = {**asked["body"], "stream": True}
    url = url_of(asked, _PATHS.get(kind) or f"/v1/models/{asked['model']}")
    status, headers, said, complaint = _call(asked, url, body)
    tell_head(status, headers, outcome)
    if complaint:
        outcome["error"] = {"class": "curl", "message": complaint}
    elif status != 200:
        tell_refusal(status, headers, said, outcome)
    elif kind != "stream":
        tell_body(kind, said, outcome)
    if kind == "stream" and status == 200:
        _tell_events(said, outcome)


def _tell_events(said: bytes, outcome: Outcome) -> None:
    raw = [event for event in _END_OF_EVENT.split(said) if event]
    numbered = any(_ID.match(event) for event in raw)
    told, outcome["raw"] = Told(outcome), []
    for event in raw:
        bare = _ID.sub(b"", event)
        kind, data = _read(bare)
        if kind == "ping" and numbered and bare == event:
            continue
        outcome["raw"].append(bare.decode())
        if kind == "error":
            tell_error_event(data, outcome)
        else:
            told.take(data)


def _read(event: bytes) -> tuple[str, Any]:
    fields = dict(line.split(b": ", 1) for line in event.replace(b"\r\n", b"\n").split(b"\n") if line)
    return fields[b"event"].decode(), json.loads(fields[b"data"])


def _part(asked: Asked) -> Outcome:
    part: Outcome = {}
    _once(asked, part)
    return part


def _tool_loop(asked: Asked, outcome: Outcome) -> None:
    asked = asked | {"kind": "stream"}
    first = _part(asked)
    _once(asked | {"body": second_turn(asked["body"], first["blocks"], asked["tool_result"])}, outcome)
    outcome["tools"] = first["tools"] + outcome["tools"]
    outcome["stop_reasons"] = [first["stop_reason"], outcome["stop_reason"]]


def _cancel(asked: Asked, outcome: Outcome) -> None:
    """By its end, as when somebody presses Ctrl-C."""
    command = _command(asked, url_of(asked, "/v1/messages"), posts=True)
    outcome["text"] = ""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as curl:
        assert curl.stdin is not None
        assert curl.stdout is not None
        curl.stdin.write(json.dumps({**asked["body"], "stream": True}).encode())
        curl.stdin.close()
        pieces = 0
        for line in curl.stdout:
            if pieces == asked["after"]:
                break
            if line.startswith(b"data: ") and (data := json.loads(line[6:]))["type"] == "content_block_delta":
                outcome["text"] += data["delta"]["text"]
                pieces += 1
        curl.terminate()


def _models(asked: Asked, outcome: Outcome) -> None:
    outcome["models"] = []
    after: dict[str, str] = {}
    more = True
    while more:
        _, _, said, complaint = _call(asked, url_of(asked, "/v1/models", limit=asked["limit"], **after))
        assert not complaint, complaint
        page = json.loads(said)
        outcome["models"] += page["data"]
        after, more = {"after_id": page["last_id"]}, page["has_more"]


if __name__ == "__main__":
    speak({"curl": talk}, plain_failure)
