"""worker/upstream.py, on a real socket: what leaves for Claude, and what each way to fail is called."""

import asyncio
import socket
import time

import pytest

from streamlog.jobs import Request
from tests.support import said
from tests.worker import wire
from tests.worker.calls import ANSWER, BODY, calling, read, request
from tests.worker.wire import Reply, Wire, chunk, head, serving
from worker.retries import UpstreamFailed


async def failure(reply: Reply, asked: Request | None = None, *, idle_s: float = 5.0) -> tuple[UpstreamFailed, Wire]:
    """How one call fails, and what the upstream saw."""
    async with serving(reply) as served, calling(served.url, idle_s=idle_s, run_limit_s=idle_s) as upstream:
        with pytest.raises(UpstreamFailed) as failed:
            await read(upstream, asked)
        return failed.value, served


async def sent(asked: Request) -> wire.Received:
    """What the upstream receives for a call."""
    async with serving(wire.streamed(ANSWER)) as served, calling(served.url) as upstream:
        await read(upstream, asked)
        (received,) = served.requests
        return received


async def test_the_body_travels_byte_for_byte() -> None:
    """Unknown fields, spaces and the last newline included, with its exact length."""
    received = await sent(request())
    assert received.body == BODY
    assert received.headers["content-length"] == str(len(BODY))
    assert received.headers["content-type"] == "application/json"


async def test_the_path_travels_with_its_query() -> None:
    """The query is the client's, escapes and order included."""
    received = await sent(request("/v1/messages?beta=true&x=%20a%2Fb"))
    assert received.line == "POST /v1/messages?beta=true&x=%20a%2Fb HTTP/1.1"


async def test_a_get_travels_without_a_body() -> None:
    """The other calls go the same way."""
    received = await sent(request("/v1/models?limit=1", method="GET", stream=False))
    assert received.line == "GET /v1/models?limit=1 HTTP/1.1"
    assert received.body == b""


async def test_version_beta_and_unknown_anthropic_headers_travel() -> None:
    """What the client says by them is not the gateway's to change."""
    headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "one-2025-01-01,two", "anthropic-new": "x y"}
    received = await sent(request(headers=headers))
    assert {name: received.headers.get(name) for name in headers} == headers


async def test_a_call_without_a_version_goes_without_one() -> None:
    """It is the API's to refuse."""
    assert "anthropic-version" not in (await sent(request(headers={}))).headers


async def test_an_old_version_gets_the_key_as_x_api_key() -> None:
    """The API expects it there before 2026-10-21."""
    received = await sent(request(headers={"anthropic-version": "2023-06-01"}))
    assert received.headers["x-api-key"] == "upstream-secret"
    assert "authorization" not in received.headers


@pytest.mark.parametrize("version", ["2026-10-21", "2027-01-01"])
async def test_a_new_version_gets_the_key_as_bearer(version: str) -> None:
    """Since 2026-10-21 the SDK sends it so."""
    received = await sent(request(headers={"anthropic-version": version}))
    assert received.headers["authorization"] == "Bearer upstream-secret"
    assert "x-api-key" not in received.headers


async def test_the_only_key_that_leaves_is_the_workers() -> None:
    """A call without any header of the client's carries it once, in the SDK's own way."""
    received = await sent(request(headers={}))
    assert [name for name, value in received.headers.items() if "upstream-secret" in value] == ["authorization"]


async def test_a_stream_is_asked_for_uncompressed() -> None:
    """A compressor would hold events back."""
    assert (await sent(request())).headers["accept-encoding"] == "identity"


async def test_what_comes_back_are_the_very_bytes() -> None:
    """However the upstream cuts them into chunks."""
    pieces = [ANSWER[at : at + 7] for at in range(0, len(ANSWER), 7)]
    async with serving(wire.streamed(*pieces)) as served, calling(served.url) as upstream:
        assert await read(upstream) == ANSWER


async def test_events_arrive_as_they_are_sent() -> None:
    """The first read is there while the upstream is still silent about the rest."""
    async with (
        serving(wire.silent(head(), chunk(said.start()))) as served,
        calling(served.url) as upstream,
        upstream.open(request()) as answer,
    ):
        assert await asyncio.wait_for(answer.read(), 2) == said.start()


async def test_any_bytes_travel_back_in_a_header() -> None:
    """As the text that the gateway will send as the same bytes."""
    async with (
        serving(wire.streamed(ANSWER, anthropic_new="\u2713")) as served,
        calling(served.url) as upstream,
        upstream.open(request()) as answer,
    ):
        assert answer.headers["anthropic-new"].encode("latin-1") == "\u2713".encode()


async def test_headers_that_travel_back() -> None:
    """Request id, rate limits and retry advice; nothing of the connection, no cookie."""
    headers = {
        "request_id": "req_up",
        "anthropic_ratelimit_tokens_remaining": "7",
        "anthropic_organization_id": "org",
        "retry_after": "3",
        "set_cookie": "a=b",
        "server": "x",
        "content_type": "text/event-stream",
    }
    async with (
        serving(wire.streamed(ANSWER, **headers)) as served,
        calling(served.url) as upstream,
        upstream.open(request()) as answer,
    ):
        assert answer.headers == {
            "request-id": "req_up",
            "anthropic-ratelimit-tokens-remaining": "7",
            "anthropic-organization-id": "org",
            "retry-after": "3",
            "content-type": "text/event-stream",
        }


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 413, 429, 500, 503, 529])
async def test_a_refusal_comes_back_as_it_was_after_one_call(status: int) -> None:
    """Status, headers and body verbatim; the SDK, which repeats some of these by itself, repeats nothing here."""
    body = b'{"type":"error", "error":{"type":"x","message":"\xc3\xa9"},\n "request_id":"req_up"}'
    reply = wire.whole(status, body, request_id="req_up", retry_after="0", x_should_retry="true")
    failed, served = await failure(reply)
    assert failed.code == "upstream_error"
    assert failed.refusal is not None
    assert (failed.refusal.status, failed.refusal.body) == (status, body)
    assert failed.refusal.headers == {"request-id": "req_up", "retry-after": "0", "x-should-retry": "true"}
    assert len(served.requests) == 1


async def test_a_refusal_is_kept_up_to_64_kib() -> None:
    """A proxy's error page of a megabyte is not stored."""
    failed, _ = await failure(wire.whole(502, b"x" * (1 << 20), content_type="text/html"))
    assert failed.refusal is not None
    assert failed.refusal.body == b"x" * 65536


async def test_a_refused_connection_is_named() -> None:
    """Nobody listens at that port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with calling(f"http://127.0.0.1:{port}") as upstream:
        with pytest.raises(UpstreamFailed) as failed:
            await read(upstream)
    assert (failed.value.code, failed.value.refusal) == ("upstream_unreachable", None)


@pytest.mark.parametrize(
    "reply",
    [
        wire.broken(),
        wire.broken(b"HTTP/1.1 200 OK\r\ncontent-"),
        wire.broken(head(), chunk(said.start())),
        wire.broken(head(), chunk(said.start()), b"ff\r\nevent: "),
        wire.broken(head(content_length=str(len(ANSWER) + 1)), ANSWER),
    ],
    ids=["before the head", "in the head", "between chunks", "inside a chunk", "short of its length"],
)
async def test_a_cut_is_named_after_one_call(reply: Reply) -> None:
    """A response without its proper end is no answer, wherever it was cut."""
    failed, served = await failure(reply)
    assert (failed.code, failed.refusal) == ("upstream_cut", None)
    assert len(served.requests) == 1


@pytest.mark.parametrize(
    "reply", [wire.silent(), wire.silent(head(), chunk(said.start()))], ids=["before the head", "in the body"]
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_stall_is_named_and_its_connection_closed(reply: Reply, stream: bool) -> None:
    """Silence beyond the limit ends the call; the upstream sees its client leave."""
    async with serving(reply) as served, calling(served.url, idle_s=0.2, run_limit_s=0.2) as upstream:
        with pytest.raises(UpstreamFailed) as failed:
            await read(upstream, request(stream=stream))
        await asyncio.wait_for(served.left.wait(), 1)
    assert failed.value.code == "upstream_stalled"
    assert len(served.requests) == 1


async def test_a_call_that_does_not_stream_may_be_silent_for_longer() -> None:
    """One JSON answer is silent until it is there, so only the run limit holds for it."""

    async def late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.4)
        writer.write(head(content_length="2") + b"{}")

    async with serving(late) as served, calling(served.url, idle_s=0.1, run_limit_s=5.0) as upstream:
        assert await read(upstream, request(stream=False)) == b"{}"


async def test_bytes_that_are_not_http_are_a_cut() -> None:
    """A peer of another protocol brings no answer."""
    failed, _ = await failure(wire.broken(b"SSH-2.0-OpenSSH\r\n"))
    assert failed.code == "upstream_cut"


async def test_a_body_that_does_not_decompress_is_garbled() -> None:
    """The upstream says gzip and sends something else."""
    failed, _ = await failure(wire.whole(200, b"no gzip", content_encoding="gzip"), request(stream=False))
    assert failed.code == "upstream_garbled"


async def test_leaving_early_closes_the_connection_within_a_second() -> None:
    """Claude stops, and stops billing, when its client leaves."""
    async with serving(wire.silent(head(), chunk(said.start()))) as served, calling(served.url) as upstream:
        async with upstream.open(request()) as answer:
            await answer.read()
        left_at = time.monotonic()
        await asyncio.wait_for(served.left.wait(), 1)
        assert time.monotonic() - left_at < 1


async def test_cancelling_before_the_head_closes_the_connection_within_a_second() -> None:
    """A job that is cancelled before its first token costs nothing more either."""
    async with serving(wire.silent()) as served, calling(served.url) as upstream:
        call = asyncio.create_task(read(upstream))
        await asyncio.wait_for(served.asked.wait(), 2)
        call.cancel()
        await asyncio.wait_for(served.left.wait(), 1)


async def test_twenty_streams_one_after_the_other_use_one_connection() -> None:
    """An answer read to its end gives its connection back."""
    async with serving(wire.streamed(ANSWER)) as served, calling(served.url) as upstream:
        for _ in range(20):
            async with upstream.open(request()) as answer:
                assert await answer.read() == ANSWER
                await answer.drain()
        assert (len(served.requests), served.connections) == (20, 1)


async def test_draining_a_body_that_does_not_end_takes_a_second() -> None:
    """A complete message is not held back by an upstream that forgets to end its response."""
    async with serving(wire.silent(head(), chunk(ANSWER))) as served, calling(served.url) as upstream:
        async with upstream.open(request()) as answer:
            await answer.read()
            began = time.monotonic()
            await answer.drain()
        assert 0.9 < time.monotonic() - began < 2
        await asyncio.wait_for(served.left.wait(), 1)


@pytest.mark.parametrize(
    ("reply", "spoke"), [(wire.whole(200, b"{}"), True), (wire.whole(404, b"{}"), True), (wire.broken(), False)]
)
async def test_warming_up_tells_whether_the_upstream_speaks(reply: Reply, spoke: bool) -> None:
    """Any HTTP answer will do; warming up never raises."""
    async with serving(reply) as served, calling(served.url) as upstream:
        assert await upstream.warm_up() is spoke


async def test_the_base_url_is_the_sdks_own_variable() -> None:
    """What `ANTHROPIC_BASE_URL` says is called, and told."""
    async with serving(wire.streamed(ANSWER)) as served, calling(served.url) as upstream:
        assert upstream.base_url.rstrip("/") == served.url
        assert await read(upstream) == ANSWER
