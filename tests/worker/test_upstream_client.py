"""worker/upstream_client.py: a head that was built before is, byte for byte, the head that the SDK would build now."""

from typing import Any

import httpx2
import pytest
from anthropic import AsyncAnthropic, Omit
from anthropic._models import FinalRequestOptions

from worker.upstream_client import Client

OMITTED = Omit()
TIMEOUT = httpx2.Timeout(connect=1.0, read=2.0, write=3.0, pool=4.0)


def options(body: bytes = b'{"a":1}', path: str = "/v1/messages", **more: Any) -> FinalRequestOptions:
    """A call as the SDK's `post` hands it on."""
    headers = {"content-type": "application/json", "anthropic-version": OMITTED, **more.pop("headers", {})}
    return FinalRequestOptions.construct(method="post", url=path, content=body, headers=headers, **more)


def told(request: httpx2.Request) -> tuple[object, ...]:
    """All that leaves with a request, and what it is sent by."""
    return request.method, str(request.url), request.headers.raw, request.content, request.extensions


CALLS = {
    "plain": options(),
    "another body": options(b'{"a":12345}'),
    "no body": options(b""),
    "a query": options(path="/v1/messages?beta=true&x=%20a%2Fb"),
    "another path": options(path="/v1/messages/count_tokens"),
    "a beta": options(headers={"anthropic-beta": "one-2025-01-01"}),
    "another beta": options(headers={"anthropic-beta": "two-2025-01-01"}),
    "a version": options(headers={"anthropic-version": "2023-06-01", "x-api-key": "k", "authorization": OMITTED}),
    "a timeout": options(timeout=TIMEOUT),
    "seconds": options(timeout=7.0),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_sent_is_what_the_sdk_builds(name: str) -> None:
    """For the first call of a kind, for the next, and behind calls of all other kinds."""
    plain, ours = AsyncAnthropic(api_key="secret"), Client(api_key="secret")
    expected = told(plain._build_request(CALLS[name]))
    assert told(ours._build_request(CALLS[name])) == expected
    for other in CALLS.values():
        ours._build_request(other)
    assert told(ours._build_request(CALLS[name])) == expected
    assert CALLS[name].content == expected[3]


def test_the_count_of_retries_is_told() -> None:
    """It stands in a header."""
    ours = Client(api_key="secret")
    told_counts = [
        ours._build_request(options(), retries_taken=n).headers["x-stainless-retry-count"] for n in (0, 1, 0)
    ]
    assert told_counts == ["0", "1", "0"]


def test_a_new_key_is_used_at_once() -> None:
    """A key that was replaced must not be sent again."""
    ours = Client(api_key="old")
    ours._build_request(options())
    ours.api_key = "new"
    assert ours._build_request(options()).headers["authorization"] == "Bearer new"


def test_what_is_added_to_one_request_is_on_no_other() -> None:
    """Authentication flows write into the headers of the request that they send."""
    ours = Client(api_key="secret")
    first = ours._build_request(options())
    first.headers["authorization"] = "Bearer minted"
    first.extensions["timeout"] = {}
    again = ours._build_request(options())
    assert again.headers["authorization"] == "Bearer secret"
    assert again.extensions["timeout"] != {}


def test_what_is_kept_is_limited() -> None:
    """In number and in size: clients choose the query and some of the headers."""
    ours = Client(api_key="secret")
    for number in range(1_000):
        ours._build_request(options(headers={"anthropic-beta": f"b{number}"}))
    assert 0 < len(ours._heads) <= 256
    before = len(ours._heads)
    large = options(headers={"anthropic-beta": "x" * 50_000})
    assert told(ours._build_request(large)) == told(AsyncAnthropic(api_key="secret")._build_request(large))
    assert len(ours._heads) == before
