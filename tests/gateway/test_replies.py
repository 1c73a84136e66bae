"""gateway/replies.py: every error of every route has Anthropic's shape and a request id of its own."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from tests.gateway.house import MESSAGE, House, open_house
from tests.support.api import Api
from tests.support.facts import until
from tests.support.series import Moved
from tests.support.valkey import Valkey

GOOD = json.dumps(MESSAGE).encode()
UNKNOWN = "job_" + "x" * 22
CALLS = (
    ("POST", "/v1/messages"),
    ("POST", "/v1/jobs"),
    ("GET", f"/v1/jobs/{UNKNOWN}"),
    ("GET", f"/v1/jobs/{UNKNOWN}/events"),
    ("POST", f"/v1/jobs/{UNKNOWN}/cancel"),
)


def checked(response: httpx2.Response, status: int, error_type: str, code: str | None) -> dict[str, Any]:
    """The error of a response that is in Anthropic's shape, and nothing else."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert set(body) == {"type", "error", "request_id"}
    assert body["type"] == "error"
    assert body["request_id"] == response.headers["request-id"]
    assert body["request_id"].startswith("req_")
    assert set(body["error"]) == {"type", "message"} | ({"details"} if code else set())
    assert body["error"]["type"] == error_type
    assert body["error"]["message"]
    assert body["error"].get("details", {}).get("error_code") == code
    assert "Traceback" not in response.text
    error: dict[str, Any] = body["error"]
    return error


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/message", "/v1/messages/", "/v1/jobs/a/b/c"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_an_unknown_path(house: House, method: str, path: str) -> None:
    """404, and no redirect to a path that a client did not ask for."""
    error = checked(await house.api.send(method, path), 404, "not_found_error", "not_found")
    assert path in error["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/messages"),
        ("PUT", "/v1/messages"),
        ("DELETE", "/v1/jobs"),
        ("POST", f"/v1/jobs/{UNKNOWN}"),
        ("POST", f"/v1/jobs/{UNKNOWN}/events"),
        ("GET", f"/v1/jobs/{UNKNOWN}/cancel"),
        ("POST", "/healthz"),
        ("PATCH", "/metrics"),
    ],
)
async def test_a_wrong_method(house: House, method: str, path: str) -> None:
    """405, with the methods that would do."""
    response = await house.api.send(method, path)
    checked(response, 405, "invalid_request_error", "method_not_allowed")
    assert response.headers["allow"]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/jobs"])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"model": 5}', b"[" * 100_000])
async def test_a_bad_body(house: House, path: str, body: bytes) -> None:
    """400, and nothing is queued or kept."""
    checked(await house.api.send("POST", path, content=body), 400, "invalid_request_error", "invalid_request")
    assert await house.world.call("KEYS", house.world.keys.prefix + "*") == []


async def test_a_body_that_is_too_large(valkey: Valkey) -> None:
    """413, whether or not its length was declared; nothing is queued or kept."""
    async with open_house(valkey.url, body_bytes=2048) as house:

        async def chunked() -> Any:
            for _ in range(4):
                yield b" " * 1000

        for content in (b" " * 4000, chunked()):
            response = await house.api.send("POST", "/v1/messages", content=content)
            checked(response, 413, "request_too_large", "body_too_large")
        assert await house.world.call("KEYS", house.world.keys.prefix + "*") == []


async def test_a_body_that_never_ends(house: House) -> None:
    """400 after the limit for its next part."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
    writer.write(b"POST /v1/messages HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\n{")
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
    body = await asyncio.wait_for(reader.readuntil(b"}}"), 3) + await reader.readuntil(b"}")
    writer.close()
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"0.3 s" in body
    assert await house.queued() == 0


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_an_unknown_key(valkey: Valkey, method: str, path: str) -> None:
    """401 before anything else is looked at, on every call that concerns jobs."""
    async with open_house(valkey.url, api_keys="right-key") as house:
        for headers in ({"x-api-key": "wrong-key"}, {"x-api-key": ""}):
            response = await house.api.send(method, path, content=b"{", headers=headers)
            checked(response, 401, "authentication_error", "unauthorized")
            assert "wrong-key" not in response.text
        async with Api(house.url, "right-key") as friend:
            assert (await friend.send(method, path, content=b"{")).status_code in (400, 404)


@pytest.mark.parametrize(("method", "path"), CALLS[:2])
async def test_a_gateway_that_drains(house: House, method: str, path: str) -> None:
    """503 with `retry-after` for new work; it is gone from the load balancer's list as well."""
    house.service.subscribers.draining = True
    response = await house.api.send(method, path, content=GOOD)
    checked(response, 503, "overloaded_error", "draining")
    assert response.headers["retry-after"] == "1"
    ready = await house.api.send("GET", "/readyz")
    assert (ready.status_code, ready.json()["draining"]) == (503, True)


async def test_no_workers(valkey: Valkey) -> None:
    """529 with `retry-after` for who would wait; a detached job is taken, and so are all once a worker lives."""
    async with open_house(valkey.url, no_workers_s=1.0) as house:
        await until(lambda: house.service.fleet.without_workers_s > 1.0)
        response = await house.api.send("POST", "/v1/messages", content=GOOD)
        checked(response, 529, "overloaded_error", "no_workers")
        assert response.headers["retry-after"] == "5"
        await house.api.submit(MESSAGE)
        await house.world.claims().sweep()
        await house.service.fleet.read()
        await house.api.submit(MESSAGE)
        assert house.service.fleet.without_workers_s < 1.0


async def test_a_redis_that_is_gone() -> None:
    """503 with `retry-after` on every call but following, within its timeout, and again 202 when it is back."""
    valkey = Valkey()
    try:
        async with open_house(valkey.url, redis_timeout_s=0.15) as house:
            valkey.kill()
            for method, path in (call for call in CALLS if not call[1].endswith("/events")):
                response = await house.api.send(method, path, content=GOOD)
                checked(response, 503, "api_error", "redis_unavailable")
                assert response.headers["retry-after"] == "1"
            assert (await house.api.send("GET", "/readyz")).status_code == 503
            assert (await house.api.send("GET", "/healthz")).status_code == 200
            valkey.start()
            await until(lambda: house.service.line.connected)
            await house.api.submit(MESSAGE)
    finally:
        valkey.close()


async def test_a_redis_that_is_frozen() -> None:
    """The same: no call hangs."""
    valkey = Valkey()
    try:
        async with open_house(valkey.url, redis_timeout_s=0.3) as house:
            valkey.freeze()
            response = await house.api.send("POST", "/v1/messages", content=GOOD)
            checked(response, 503, "api_error", "redis_unavailable")
            valkey.thaw()
            await until(lambda: house.service.line.connected)
    finally:
        valkey.thaw()
        valkey.close()


async def test_a_defect_of_ours(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 in the same shape, without a word of the traceback."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("an inner detail")

    monkeypatch.setattr(house.service, "submit", broken)
    response = await house.api.send("POST", "/v1/messages", content=GOOD)
    checked(response, 500, "api_error", "internal")
    assert "inner detail" not in response.text


async def test_every_refusal_has_a_request_id_of_its_own(house: House) -> None:
    """So that one can be found among many."""
    ids = {(await house.api.send("GET", "/nothing")).headers["request-id"] for _ in range(5)}
    assert len(ids) == 5


@pytest.mark.parametrize(
    ("method", "path", "content", "reason"),
    [
        ("GET", "/nothing", b"", "not_found"),
        ("GET", f"/v1/jobs/{UNKNOWN}", b"", "not_found"),
        ("GET", "/v1/messages", b"", "invalid"),
        ("POST", "/v1/messages", b"{", "invalid"),
        ("GET", f"/v1/jobs/{UNKNOWN}/events?after=x", b"", "invalid"),
    ],
)
async def test_refusals_are_counted_once_by_reason(
    house: House, moved: Moved, method: str, path: str, content: bytes, reason: str
) -> None:
    """With the words of the metric's table."""
    await house.api.send(method, path, content=content)
    assert moved() == {("sluice_rejections_total", f"reason={reason}"): 1}


async def test_a_405_names_all_methods_of_the_address(house: House) -> None:
    """Also those that another route takes (RFC 9110, 15.5.6)."""
    for path, methods in (("/v1/jobs", "GET, POST"), ("/v1/jobs/x", "DELETE, GET"), ("/v1/messages", "POST")):
        response = await house.api.send("PATCH", path)
        assert (response.status_code, response.headers["allow"]) == (405, methods)
