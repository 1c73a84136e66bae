"""Bad input gets a clear 4xx in Anthropic's shape; nothing is queued, and no traceback reaches a client or the log."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.support.api import Api, body
from tests.support.cluster import Cluster
from tests.support.facts import each

_UNKNOWN = "job_" + "x" * 22
_BODY_LIMIT = 32 << 20
_CLOSES = b"connection: close\r\n"


def _changed(**fields: Any) -> bytes:
    """A good body with these fields instead; None takes one away."""
    return json.dumps({name: value for name, value in (body() | fields).items() if value is not None}).encode()


# What is wrong -> the body of POST /v1/messages and of POST /v1/jobs, and a word of the sentence that helps.
BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "JSON"),
    "text": (b"hello", "JSON"),
    "broken off": (b'{"model": "claude-test", "max_tok', "JSON"),
    "not UTF-8": (b'{"model": "\xff\xfe", "max_tokens": 5, "messages": []}', "JSON"),
    "a form": (b"model=claude-test&max_tokens=5", "JSON"),
    "compressed": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00", "JSON"),
    "a list": (b"[]", "object"),
    "null": (b"null", "object"),
    "a bottomless list": (b'{"messages": ' + b"[" * 100_000, ""),
    "no model": (_changed(model=None), "model: Field required"),
    "no max_tokens": (_changed(max_tokens=None), "max_tokens: Field required"),
    "no messages": (_changed(messages=None), "messages: Field required"),
    "model is a number": (_changed(model=5), "model: "),
    "max_tokens is a text": (_changed(max_tokens="many"), "max_tokens: "),
    "max_tokens is a fraction": (_changed(max_tokens=1.5), "max_tokens: "),
    "messages is a text": (_changed(messages="hello"), "messages: "),
    "messages is an object": (_changed(messages={}), "messages: "),
}
POSITIONS = (
    "banana",
    "1-",
    "-1",
    "1-1-1",
    "1:1",
    "01-1",
    "1 - 1",
    "job_x:1-1",
    "9" * 17 + "-1",
    "1-" + "9" * 11,
    "١-١",
)
# What is wrong -> method, path, status, error type.
ADDRESSES = {
    "unknown path": ("GET", "/v1/nothing", 404, "not_found_error"),
    "unknown job": ("GET", f"/v1/jobs/{_UNKNOWN}", 404, "not_found_error"),
    "unknown job's events": ("GET", f"/v1/jobs/{_UNKNOWN}/events", 404, "not_found_error"),
    "cancel of an unknown job": ("POST", f"/v1/jobs/{_UNKNOWN}/cancel", 404, "not_found_error"),
    "no job id": ("GET", "/v1/jobs/banana", 404, "not_found_error"),
    "a path out of here": ("GET", "/v1/jobs/..%2f..%2fetc%2fpasswd", 404, "not_found_error"),
    "a null byte": ("GET", "/v1/jobs/%00", 404, "not_found_error"),
    "wrong method": ("GET", "/v1/messages", 405, "invalid_request_error"),
    "wrong method for a job": ("PUT", f"/v1/jobs/{_UNKNOWN}", 405, "invalid_request_error"),
}
_HEAD = b"POST /v1/messages HTTP/1.1\r\nhost: sluice\r\nx-api-key: k\r\n"
# What is wrong -> bytes on the wire, status. Each ends the connection.
WIRE = {
    "no HTTP": (b"hello\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 300, 400),
    "a header without a name": (_HEAD + b": x\r\n\r\n", 400),
    "two lengths": (_HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "one huge header": (_HEAD + b"x-big: " + b"a" * 1_000_000 + b"\r\n\r\n", 431),
    "a header without end": (_HEAD + b"x-big: " + b"a" * 1_000_000, 431),
    "a huge beta header": (_HEAD + b"anthropic-beta: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    "many headers": (_HEAD + b"".join(b"x-%d: a\r\n" % number for number in range(10_000)) + b"\r\n", 431),
    "a huge path": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nhost: sluice\r\n\r\n", 431),
    "declared too large": (_HEAD + _CLOSES + b"content-length: %d\r\n\r\n" % (_BODY_LIMIT + 1), 413),
}


@pytest.fixture
def untouched(shared: Cluster) -> Iterator[None]:
    """Whatever the test sends, no key is added, nothing waits, and the gateway logs no traceback."""
    said = len(shared.gateways[0].log)
    with shared.ground.client() as server:
        before = set(server.scan_iter(count=10_000)) | {f"{shared.prefix}workers".encode()}  # they report by themselves
        yield
        assert set(server.scan_iter(count=10_000)) - before == set()
        assert server.zcard(f"{shared.prefix}queue") == 0
    assert "Traceback" not in shared.gateways[0].log[said:]


def _is_clear(answer: Any, kind: str, word: str = "") -> None:
    """The Anthropic shape, with a sentence for people that holds no traceback."""
    assert set(answer) == {"type", "error", "request_id"}
    assert answer["type"] == "error"
    assert answer["error"]["type"] == kind
    assert word in answer["error"]["message"]
    assert answer["error"]["message"]
    assert answer["request_id"].startswith("req_")
    assert "Traceback" not in str(answer)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/jobs"])
async def test_bad_bodies(api: Api, path: str) -> None:
    """A body that is not a Messages call is a 400 that says what is wrong with it."""

    async def check(content: bytes, word: str) -> None:
        response = await api.send("POST", path, content=content)
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/json"
        _is_clear(response.json(), "invalid_request_error", word)

    await each(check, BODIES)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/xml", "text/plain"],
)
async def test_other_content_types(api: Api, content_type: str) -> None:
    """What comes as something else than JSON, and is none, is a 400."""
    content = b'--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nclaude-test\r\n--x--\r\n'
    response = await api.send("POST", "/v1/messages", content=content, headers={"content-type": content_type})
    assert response.status_code == 400
    _is_clear(response.json(), "invalid_request_error", "JSON")


@pytest.mark.usefixtures("untouched")
async def test_a_body_that_is_too_large(api: Api) -> None:
    """A body beyond the limit is a 413, also when its size is not declared."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * (1 << 20)

    response = await api.send("POST", "/v1/messages", content=endless())
    assert response.status_code == 413
    _is_clear(response.json(), "request_too_large", str(_BODY_LIMIT))


@pytest.mark.usefixtures("untouched")
async def test_bad_addresses(api: Api) -> None:
    """Unknown paths, methods and jobs are told in the same shape as everything else."""

    async def check(method: str, path: str, status: int, kind: str) -> None:
        response = await api.send(method, path)
        assert response.status_code == status
        _is_clear(response.json(), kind)

    await each(check, ADDRESSES)


async def test_malformed_positions(api: Api, request: pytest.FixtureRequest) -> None:
    """A position that is none is a 400, as a header and in the query; it is never taken for the beginning."""
    job_id = await api.submit(body("text events=3"))
    await api.ended(job_id)
    request.getfixturevalue("untouched")

    async def check(position: str) -> None:
        path = f"/v1/jobs/{job_id}/events"
        headers = {"last-event-id": position.encode()}
        by_header, by_query = await asyncio.gather(
            api.send("GET", path, headers=headers), api.send("GET", path, params={"after": position})
        )
        for response in (by_header, by_query):
            assert response.status_code == 400
            _is_clear(response.json(), "invalid_request_error", "position" if ":" not in position else "event id")

    await each(check, {position: (position,) for position in POSITIONS})


@pytest.mark.usefixtures("untouched")
async def test_bad_bytes(shared: Cluster) -> None:
    """What is no request, or has a huge head, is refused in Anthropic's shape, and the connection ends."""
    host, port = shared.url.removeprefix("http://").split(":")

    async def check(content: bytes, status: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(content)
        async with asyncio.timeout(10.0):
            answer = await reader.read()
        writer.close()
        head, _, told = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        _is_clear(json.loads(told), "request_too_large" if status == 413 else "invalid_request_error")

    await each(check, WIRE)


async def test_what_the_upstream_refuses_is_its_own_answer(api: Api) -> None:
    """What only Claude's API can judge is judged there, and told in its words."""
    response = await api.send("POST", "/v1/messages", json=body() | {"messages": []})
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "messages: at least one message is required"
    assert response.headers["sluice-job-id"]
