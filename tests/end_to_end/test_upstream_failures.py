"""A failing upstream is never a silent end: a status while the head is held, else a named `event: error`."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import anthropic
import pytest
from anthropic import AsyncAnthropic

from tests.support.api import Api, body, is_content
from tests.support.cluster import Cluster, Ground, started
from tests.support.facts import each
from tests.support.ledger import Ledger

_REQUEST_ID = re.compile(rb"req_01[0-9A-Za-z]{22}")
_TRAVELS = re.compile("retry-after|content-type|anthropic-.*(?<!-reset)")
_CALLS = 3  # most upstream calls for one job

# What the upstream does -> how the stream ends. The last is an error in the upstream's own words.
BROKEN = {
    "cut": ("cut after=8", "upstream_cut"),
    "reset": ("cut after=8 reset", "upstream_cut"),
    "no message_stop": ("no-message-stop", "upstream_cut"),
    "stall": ("stall after=8", "upstream_stalled"),
    "garbage": ("garbage after=8", "upstream_garbled"),
    "error event": ("error-mid-stream after=8 status=529", "overloaded_error"),
}
# What the upstream does each time before any content -> the status and the reason, while the head is held.
BROKEN_BEFORE_CONTENT = {
    "cut": ("cut before=content", 502, "upstream_cut"),
    "cut before its head": ("cut before=headers", 502, "upstream_cut"),
    "stall": ("stall before=content", 504, "upstream_stalled"),
    "error event": ("error-first status=529", 529, "overloaded_error"),
}
STATUSES = (400, 401, 403, 404, 413, 429, 500, 529)
# What the upstream does -> after how many calls it answers.
RECOVERS = {
    "529": ("error status=529 then-ok=1", 2),
    "429": ("error status=429 retry-after=0 then-ok=2", 3),
    "error event": ("error-first status=529 then-ok=2", 3),
}


@pytest.fixture(scope="module")
def cluster(ground: Ground) -> Iterator[Cluster]:
    """A worker that takes a second of silence for a stall."""
    with started(ground, SLUICE_UPSTREAM_IDLE_S=1) as cluster:
        yield cluster


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    async with Api(cluster.url) as api:
        yield api


async def test_a_break_after_content_is_a_named_error(api: Api, ledger: Ledger) -> None:
    """The stream ends with one `event: error` that names the break, behind the content that came; no second call."""

    async def check(scenario: str, code: str) -> None:
        label = uuid4().hex
        stream = await api.answer(body(f"{scenario} tps=100", label=label))
        assert stream.response.status_code == 200
        names = [event.name for event in stream.events]
        assert names.count("content_block_delta") > 3
        assert names.count("error") == 1
        assert stream.events[-1].error_code == code
        assert stream.events[-1].json["request_id"]
        assert "message_stop" not in names
        assert (await api.view(stream.job_id))["state"] == "failed"
        assert len(await ledger.calls(label)) == 1

    await each(check, BROKEN)


async def test_the_sdk_raises(cluster: Cluster) -> None:
    """The SDK, which takes a cut stream for a success, raises: never a short answer."""
    async with AsyncAnthropic(base_url=cluster.url, api_key="k", max_retries=0, timeout=20.0) as client:

        async def check(scenario: str, code: str) -> None:
            message = body(f"{scenario} tps=100")
            del message["stream"]
            with pytest.raises(anthropic.APIStatusError) as raised:
                async with client.messages.stream(**message) as stream:
                    await stream.get_final_message()
            assert code in str(raised.value.body)

        await each(check, BROKEN)


async def test_breaks_before_content_are_a_status(api: Api, ledger: Ledger) -> None:
    """While the head is held a break is repeated, and told as the status that it stands for."""

    async def check(scenario: str, status: int, code: str) -> None:
        label = uuid4().hex
        response = await api.send("POST", "/v1/messages", json=body(scenario, label=label))
        assert response.status_code == status
        error = response.json()["error"]
        assert error.get("details", {}).get("error_code", error["type"]) == code
        assert len(await ledger.calls(label)) == _CALLS

    await each(check, BROKEN_BEFORE_CONTENT)


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_a_refusal_arrives_as_it_is(api: Api, direct: Api, ledger: Ledger, stream: bool) -> None:
    """Status, body and headers of an upstream refusal are those of its last call."""

    async def check(status: int) -> None:
        label = uuid4().hex
        message = body(f"error status={status}", stream=stream, label=label)
        response, told = await asyncio.gather(
            api.send("POST", "/v1/messages", json=message),
            direct.send("POST", "/v1/messages", json=message | {"metadata": {"user_id": "direct"}}),
        )
        assert response.status_code == told.status_code == status
        assert _REQUEST_ID.sub(b"", response.content) == _REQUEST_ID.sub(b"", told.content)
        names = {name for name in told.headers if _TRAVELS.fullmatch(name)}
        assert {name: response.headers.get(name) for name in names} == {name: told.headers[name] for name in names}
        assert ("retry-after" in names) == (status == 429)
        calls = await ledger.calls(label)
        assert response.json()["request_id"] == response.headers["request-id"] == calls[-1]["request_id"]
        assert len(calls) == (_CALLS if status in (429, 500, 529) else 1)

    await each(check, {str(status): (status,) for status in STATUSES})


async def test_a_spend_cap_is_not_asked_again(api: Api, ledger: Ledger) -> None:
    """A 429 without `retry-after` is told at once."""
    label = uuid4().hex
    response = await api.send("POST", "/v1/messages", json=body("error status=429 retry-after=none", label=label))
    assert response.status_code == 429
    assert "retry-after" not in response.headers
    assert len(await ledger.calls(label)) == 1


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
async def test_a_recovery_is_unseen(api: Api, direct: Api, ledger: Ledger, stream: bool) -> None:
    """A first refusal followed by a success is a success like any other."""
    plain = await direct.send("POST", "/v1/messages", json=body(stream=stream))

    async def check(scenario: str, calls: int) -> None:
        label = uuid4().hex
        response = await api.send("POST", "/v1/messages", json=body(scenario, stream=stream, label=label))
        assert response.status_code == 200
        assert _unnamed(response.content) == _unnamed(plain.content)
        made = await ledger.calls(label)
        assert len(made) == calls
        assert made[-1]["ending"] == "complete"

    await each(check, RECOVERS)


def _unnamed(content: bytes) -> bytes:
    """Without message ids, positions, input tokens (the directive counts) and pings."""
    content = re.sub(rb"msg_01\w{22}|id: job_.*\n|event: ping\n.*\n\n", b"", content)
    return re.sub(rb'"input_tokens":\d+', b"", content)


@pytest.mark.parametrize(("status", "kind"), [(400, "invalid_request_error"), (529, "overloaded_error")])
async def test_a_refusal_after_the_hold_is_an_event(narrow: Cluster, ledger: Ledger, status: int, kind: str) -> None:
    """Once the head is sent, a refusal is an `event: error` in the upstream's words."""
    label = uuid4().hex
    async with Api(narrow.url) as api, api.stream(body("stall after=5")) as first:
        await first.until(is_content)
        stream, _ = await asyncio.gather(api.answer(body(f"error status={status}", label=label)), first.rest())
    assert stream.response.status_code == 200
    assert [event.name for event in stream.events[:2]] == ["ping", "ping"]
    assert stream.events[-1].name == "error"
    assert stream.events[-1].json["error"]["type"] == kind
    calls = await ledger.calls(label)
    assert stream.events[-1].json["request_id"] == calls[-1]["request_id"]
