"""What leaves a client arrives upstream, and what the upstream answers arrives at the client, header by header.

The simulator's ledger says what arrived there; the gateway under test is one as it comes.
"""

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.running import Targets, asked_of

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")

_BETAS = ",".join(f"unknown-beta-{number}" for number in range(8))
_JSON = {"content-type": "application/json", "anthropic-version": "2023-06-01"}
_KEY = {"x-api-key": "client-key-0001"}
# As no serialiser writes it: spaces, an order of its own, numbers that are equal and not the same, escapes and UTF-8.
_ODD_BODY = (
    b'{ "x_new":{"a":[1.0,1e2,-0, null]},"max_tokens" :  50,\n\t"model":"claude-test","messages":[{"role":"user",'
    b'"content":"caf\\u00e9 \xc3\xa9 \xe2\x80\xa8"}] ,"service_tier":"auto"}\n\n'
)
# What is of a client, or of the way to the gateway, and nobody's business upstream.
_KEPT_BACK = {
    "authorization": "Bearer client-key-0002",
    "cookie": "session=client-key-0003",
    "proxy-authorization": "Basic client-key-0004",
    "connection": "x-of-this-hop",
    "x-of-this-hop": "client-key-0005",
    "te": "trailers",
    "x-forwarded-for": "192.0.2.1",
    "x-stainless-lang": "client-key-0009",
    "user-agent": "client-key-0007",
    "x-anything": "client-key-0008",
}


@dataclass(frozen=True)
class Answer:
    """What curl printed: the status of each head, the headers of the last, the body."""

    statuses: list[int]
    headers: dict[str, str]
    body: bytes


def _curl(url: str, headers: dict[str, str], *words: str, data: bytes = b"") -> Answer:
    given = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = ["curl", "-sS", "-i", "--max-time", "30", *given, *words, url]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    statuses, found, rest = [100], {}, done.stdout
    while statuses[-1] == 100:
        head, _, rest = rest.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        statuses.append(int(first.split()[1]))
        found = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(statuses[1:], found, rest)


def _body(prompt: str = "Why?", **fields: Any) -> bytes:
    message = {"role": "user", "content": prompt}
    return json.dumps({"model": "claude-test", "max_tokens": 50, "messages": [message], **fields}).encode()


@pytest.fixture
def label() -> str:
    return uuid4().hex


def _only_call(targets: Targets, label: str) -> dict[str, Any]:
    (call,) = asked_of(targets.upstream_url, label=label)
    return call


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens"])
def test_the_request_arrives_as_it_was_sent(targets: Targets, label: str, path: str) -> None:
    """Version, betas, headers that nobody knows yet, query and body arrive; nothing of the client's own does."""
    said = {"anthropic-beta": _BETAS, "anthropic-not-yet-known": "a, b;c=1"}
    target = f"{path}?beta=true&odd=%20a%2Fb&sim-label={label}&empty="
    headers = _JSON | _KEY | said | _KEPT_BACK | {"idempotency-key": f"client-key-{label}"}
    answer = _curl(targets.gateway_url + target, headers, "--data-binary", "@-", data=_ODD_BODY)
    assert answer.statuses == [200], answer.body
    call = _only_call(targets, label)
    assert (call["method"], call["path"]) == ("POST", target)
    assert call["body_sha256"] == hashlib.sha256(_ODD_BODY).hexdigest()
    arrived = {name: value for name, value in call["headers"].items() if name.startswith("anthropic-")}
    assert arrived == said | {"anthropic-version": "2023-06-01"}
    assert "client-key" not in json.dumps(call["headers"])
    assert "te" not in call["headers"]


def test_no_version_is_invented(targets: Targets, label: str) -> None:
    """A call without `anthropic-version` is refused by the upstream, in its words."""
    told = []
    for url in (targets.direct_url, targets.gateway_url):
        target = f"{url}/v1/messages?sim-label={label}"
        answer = _curl(target, _KEY | {"content-type": "application/json"}, "--data-binary", "@-", data=_body())
        told.append((answer.statuses, json.loads(answer.body)["error"]))
    assert told[0] == told[1]
    assert told[0][0] == [400]
    assert "anthropic-version" not in _only_call(targets, label)["headers"]


_CALLS = {
    "whole": ("/v1/messages", _body(), 200),
    "stream": ("/v1/messages", _body(stream=True), 200),
    "count_tokens": ("/v1/messages/count_tokens", _body(), 200),
    "models": ("/v1/models?limit=3&lifecycle[]=retired", b"", 200),
    "model": ("/v1/models/claude-sonnet-4-5", b"", 200),
    "429": ("/v1/messages", _body("[[sim:error 429 retry-after=7]]"), 429),
    "429, stream": ("/v1/messages", _body("[[sim:error 429 retry-after=7]]", stream=True), 429),
    "529": ("/v1/messages", _body("[[sim:error 529 retry-after=7 should-retry=false]]", stream=True), 529),
    "count_tokens, 400": ("/v1/messages/count_tokens", _body("[[sim:error 400]]"), 400),
    "model, 404": ("/v1/models/claude-unknown", b"", 404),
}
_TRAVELS = ("request-id", "retry-after", "x-should-retry", "content-type")


@pytest.mark.parametrize(("path", "body", "status"), _CALLS.values(), ids=_CALLS)
def test_the_answers_head_arrives(targets: Targets, label: str, path: str, body: bytes, status: int) -> None:
    """The upstream's request id, rate limits, organisation, `retry-after`, on every kind of answer; and its JSON."""
    target = f"{path}{'&' if '?' in path else '?'}sim-label={label}"
    words = ("--data-binary", "@-") if body else ()
    direct = _curl(targets.direct_url + target, _JSON | _KEY, "-g", *words, data=body)
    through = _curl(targets.gateway_url + target, _JSON | _KEY, "-g", *words, data=body)
    assert direct.statuses == through.statuses == [status]
    assert through.headers["request-id"] == _only_call(targets, label)["request_id"]
    assert _shown(through) == _shown(direct)
    assert {"request-id", "anthropic-organization-id", "anthropic-ratelimit-tokens-limit"} <= set(_shown(through))
    if "stream" not in direct.headers["content-type"]:
        assert _without_ids(through) == _without_ids(direct)


def test_an_error_before_content_is_a_status(targets: Targets, label: str) -> None:
    """An upstream that answers 200, and then an error as its first event, is told as that error's status."""
    body = _body("[[sim:error-first 400]]", stream=True)
    path = f"/v1/messages?sim-label={label}"
    direct, through = (
        _curl(url + path, _JSON | _KEY, "--data-binary", "@-", data=body)
        for url in (targets.direct_url, targets.gateway_url)
    )
    told = json.loads(through.body)
    assert (direct.statuses, through.statuses) == ([200], [400])
    assert told["error"] == json.loads(direct.body.partition(b"data: ")[2])["error"]
    assert told["request_id"] == through.headers["request-id"] == _only_call(targets, label)["request_id"]


def _shown(answer: Answer) -> dict[str, str]:
    """The headers that travel; those with times and ids by their names alone."""
    travel = {name: value for name, value in answer.headers.items() if name.startswith(("anthropic-", *_TRAVELS))}
    return {name: "…" if name.endswith(("-reset", "request-id")) else value for name, value in travel.items()}


def _without_ids(answer: Answer) -> bytes:
    """The body, with the ids that no two answers share replaced; nothing of its spacing or order is lost."""
    found = json.loads(answer.body)
    body = answer.body
    for name in ("id", "request_id"):
        if str(found.get(name, "")).startswith(("msg_", "req_")):
            body = body.replace(found[name].encode(), b"...")
    return body


def test_a_chunked_body(targets: Targets, label: str) -> None:
    """A request without `content-length`, as streams of languages send it."""
    url = f"{targets.gateway_url}/v1/messages?sim-label={label}"
    headers = _JSON | _KEY | {"transfer-encoding": "chunked"}
    answer = _curl(url, headers, "-X", "POST", "-T", "-", data=_ODD_BODY)
    assert answer.statuses[-1] == 200
    assert _only_call(targets, label)["body_sha256"] == hashlib.sha256(_ODD_BODY).hexdigest()


def test_expect_100_continue(targets: Targets, label: str) -> None:
    """A client that asks before it sends its body is told to go on; curl would send it anyhow, after a second."""
    url = f"{targets.gateway_url}/v1/messages?sim-label={label}"
    answer = _curl(url, _JSON | _KEY | {"expect": "100-continue"}, "--data-binary", "@-", data=_ODD_BODY)
    assert answer.statuses == [100, 200]
    assert "expect" not in _only_call(targets, label)["headers"]


def test_a_body_of_12_mb(targets: Targets, label: str) -> None:
    """A long conversation with images arrives whole."""
    body = _body("x" * (12 << 20))
    url = f"{targets.gateway_url}/v1/messages?sim-label={label}"
    assert _curl(url, _JSON | _KEY, "--data-binary", "@-", data=body).statuses[-1] == 200
    assert _only_call(targets, label)["body_sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("timeout", ["NOT_GIVEN", "", "600", "-1", "nan"])
def test_the_sdks_word_for_no_timeout(targets: Targets, timeout: str) -> None:
    """`x-stainless-timeout` may say anything."""
    headers = _JSON | _KEY | {"x-stainless-timeout": timeout}
    assert _curl(f"{targets.gateway_url}/v1/messages", headers, "--data-binary", "@-", data=_body()).statuses == [200]


def test_a_probe_of_the_base_url(targets: Targets) -> None:
    """`HEAD /` and `GET /` say that somebody is there, to a client that has no key yet."""
    head = _curl(f"{targets.gateway_url}/", {}, "--head")
    get = _curl(f"{targets.gateway_url}/", {})
    assert (head.statuses, head.body) == ([200], b"")
    assert get.statuses == [200]
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.body))


@pytest.mark.parametrize("words", [("--head",), ("-X", "PUT"), ()], ids=["HEAD", "PUT", "GET"])
def test_another_method_on_messages(targets: Targets, words: tuple[str, ...]) -> None:
    """405, as the API says it, with a body of its shape for all but HEAD."""
    direct, through = (
        _curl(f"{url}/v1/messages", _JSON | _KEY, *words) for url in (targets.direct_url, targets.gateway_url)
    )
    assert through.statuses == direct.statuses == [405]
    if words != ("--head",):
        assert json.loads(through.body)["error"]["type"] == json.loads(direct.body)["error"]["type"]
