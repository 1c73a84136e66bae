"""gateway/messages.py: what a call becomes in Redis, and what of it never gets there."""

import asyncio
import json
import logging
from typing import Any

import pytest

from streamlog.jobs import Record
from tests.gateway.house import MESSAGE, Hand, House, open_house
from tests.support import said
from tests.support.valkey import Valkey

SECRETS = ("sk-ant-very-secret-1", "sk-ant-very-secret-2")


async def called(house: House, path: str = "/v1/messages", **options: Any) -> tuple[Hand, Record]:
    """A call whose answer nobody waits for, as its worker finds it."""
    call = asyncio.create_task(house.api.send("POST", path, **options))
    hand = await house.claimed()
    record = await house.world.record(hand.job_id)
    await hand.says(*said.answer("a"), mark="done")
    await call
    return hand, record


async def test_a_message_becomes_an_attached_job(house: House) -> None:
    """With the hold, the model and the owner that the worker and the sweep act by."""
    hand, record = await called(house, json=MESSAGE)
    assert (record.attached, record.stream, record.model) == (True, True, "claude-test")
    assert (record.method, record.path) == ("POST", "/v1/messages")
    assert hand.claim.hold_left_s > 5
    assert record.request_id.startswith("req_")


@pytest.mark.parametrize("stream", [{"stream": True}, {"stream": False}, {"stream": None}, {}])
async def test_the_body_is_kept_byte_for_byte(house: House, stream: dict[str, object]) -> None:
    """Unknown fields, spaces and escapes; `stream` is read from it and not written."""
    fields = {name: value for name, value in MESSAGE.items() if name != "stream"} | stream | {"new": [1.0, "\u2028é"]}
    body = json.dumps(fields, indent=3, ensure_ascii=False).encode()
    call = asyncio.create_task(house.api.send("POST", "/v1/messages", content=body))
    hand = await house.claimed()
    assert hand.claim.body == body
    assert (await house.world.record(hand.job_id)).stream is bool(stream.get("stream"))
    await house.api.cancel(hand.job_id)
    await call


async def test_query_and_headers_travel_as_they_came(house: House) -> None:
    """All `anthropic-*` headers, of any version; no key, no cookie, nothing of the SDK's own."""
    headers = {
        "anthropic-version": "2026-10-21",
        "anthropic-beta": "one,two",
        "anthropic-unknown": "x",
        "authorization": "Bearer key",
        "cookie": "a=b",
        "x-stainless-lang": "python",
        "user-agent": "sdk",
    }
    _, record = await called(house, "/v1/messages?beta=true&q=%2F%20", json=MESSAGE, headers=headers)
    assert record.path == "/v1/messages?beta=true&q=%2F%20"
    assert record.headers == {"anthropic-version": "2026-10-21", "anthropic-beta": "one,two", "anthropic-unknown": "x"}


async def test_no_key_reaches_redis_or_a_log(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    """Neither of the client's two headers, on any path, when it is right, wrong or unused."""
    caplog.set_level(logging.DEBUG)
    async with open_house(valkey.url, api_keys=",".join(SECRETS)) as house:
        headers = {"x-api-key": SECRETS[0], "authorization": f"Bearer {SECRETS[1]}"}
        call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE, headers=headers))
        hand = await house.claimed()
        await hand.says(*said.answer("a")[:3])
        for path in (f"/v1/jobs/{hand.job_id}", f"/v1/jobs/{hand.job_id}?key={SECRETS[0]}", f"/nothing?{SECRETS[1]}"):
            await house.api.send("GET", path, headers=headers)
        await house.api.send("POST", "/v1/messages", content=b"{", headers={"x-api-key": SECRETS[0] + "wrong"})
        assert await _everything(house) != ""
        for secret in SECRETS:
            assert secret not in await _everything(house)
        await hand.says(*said.answer("a")[3:], mark="done")
        await call
        assert hand.job_id in await _everything(house)
        for secret in SECRETS:
            assert secret not in await _everything(house)
            assert secret not in _logged(caplog)


async def test_a_prompt_reaches_no_log(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even beside a defect of ours."""
    caplog.set_level(logging.DEBUG)

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(house.service, "submit", broken)
    await house.api.send("POST", "/v1/messages?note=private", json=MESSAGE | {"system": "a private matter"})
    assert "unforeseen error" in _logged(caplog)
    assert "private" not in _logged(caplog)


async def test_nothing_is_queued_or_kept_of_a_bad_call(valkey: Valkey) -> None:
    """Wrong key, wrong body, too large: Redis is as empty as before."""
    async with open_house(valkey.url, api_keys="client-key", body_bytes=1024) as house:
        calls: list[dict[str, Any]] = [
            {"json": MESSAGE, "headers": {"x-api-key": "wrong"}},
            {"content": b"{"},
            {"json": MESSAGE | {"max_tokens": "many"}},
            {"json": MESSAGE | {"system": "x" * 2000}},
        ]
        for options in calls:
            for path in ("/v1/messages", "/v1/jobs"):
                assert (await house.api.send("POST", path, **options)).status_code >= 400
        assert await _everything(house) == ""


# The test's own HTTP client, and the access log, which a gateway silences when it sets its logs up.
_NOT_OURS = ("httpx", "httpcore", "uvicorn.access")


def _logged(caplog: pytest.LogCaptureFixture) -> str:
    """All that was logged here, tracebacks included."""
    formatter = logging.Formatter()
    return "\n".join(formatter.format(one) for one in caplog.records if not one.name.startswith(_NOT_OURS))


async def _everything(house: House) -> str:
    """All keys of this deployment with all that they hold."""
    return "\n".join([repr((key, await _held(house, key))) for key in await _keys(house)])


async def _keys(house: House) -> list[bytes]:
    own: list[bytes] = await house.world.call("KEYS", house.world.keys.prefix + "*")
    ids = [key.rpartition(b":")[2].decode() for key in own]
    return own + [key.encode() for key in map(house.world.keys.arq_job, ids) if await house.world.call("EXISTS", key)]


async def _held(house: House, key: bytes) -> object:
    read: dict[bytes, tuple[str, ...]] = {
        b"string": ("GET",),
        b"hash": ("HGETALL",),
        b"list": ("LRANGE", "0", "-1"),
        b"zset": ("ZRANGE", "0", "-1"),
        b"stream": ("XRANGE", "-", "+"),
    }
    verb, *rest = read[await house.world.call("TYPE", key)]
    return await house.world.call(verb, key, *rest)
