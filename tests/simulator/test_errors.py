"""What a gateway has to carry unchanged: every status, odd bodies, and the headers that tell a client what to do."""

import anthropic
import httpx2
import pytest

from simulator.errors import ERROR_TYPES, ODD_BODIES
from tests.simulator.calls import body, calls

PATHS = ["/v1/messages", "/v1/messages/count_tokens"]


@pytest.mark.parametrize("status", ERROR_TYPES)
async def test_every_status(http: httpx2.AsyncClient, status: int) -> None:
    """Each status comes with its type, as a stream, a body or a count."""
    for path, stream in (("/v1/messages", True), ("/v1/messages", False), ("/v1/messages/count_tokens", False)):
        response = await http.post(path, json=body(model=f"claude-sim-error-{status}", stream=stream))
        assert response.status_code == status
        assert response.json()["error"]["type"] == ERROR_TYPES[status]
        assert ("retry-after" in response.headers) is (status == 429)
        assert "x-should-retry" not in response.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("word", ODD_BODIES)
async def test_odd_bodies(http: httpx2.AsyncClient, path: str, word: str) -> None:
    """The body that was asked for, its type, and no word of the API if it never came from there."""
    response = await http.post(path, json=body(model=f"claude-sim-error-503-body-{word}-retry-after-2", stream=True))
    odd = ODD_BODIES[word]
    assert (response.status_code, response.content) == (503, odd.body)
    assert response.headers.get("content-type") == odd.content_type
    assert response.headers["retry-after"] == "2"
    assert response.headers.get("request-id") == (await calls(http))[0]["request_id"]
    assert ("request-id" in response.headers) is odd.of_api
    assert ("anthropic-organization-id" in response.headers) is odd.of_api


def test_odd_bodies_are_odd() -> None:
    """One is HTML, one is JSON of the API that is not its error, one is not ASCII, one is nothing."""
    assert ODD_BODIES["html"].body.startswith(b"<html>")
    assert b'"error"' not in ODD_BODIES["json"].body
    assert not ODD_BODIES["text"].body.isascii()
    assert ODD_BODIES["empty"].body == b""


@pytest.mark.parametrize(("word", "calls_made"), [("true", 2), ("false", 1)])
async def test_should_retry(
    sdk: anthropic.AsyncAnthropic, http: httpx2.AsyncClient, word: str, calls_made: int
) -> None:
    """The SDK does what the header says, whatever it would do with the status."""
    status = {"true": 400, "false": 529}[word]
    with pytest.raises(anthropic.APIStatusError) as caught:
        await sdk.with_options(max_retries=1).messages.create(
            model=f"claude-sim-error-{status}-should-retry-{word}-retry-after-0",
            max_tokens=9,
            messages=[{"role": "user", "content": "Why?"}],
        )
    assert caught.value.response.headers["x-should-retry"] == word
    assert len(await calls(http)) == calls_made


async def test_an_odd_body_recovers(http: httpx2.AsyncClient) -> None:
    """`then-ok` works with them as with any error."""
    sent = body(model="claude-sim-error-502-body-html-then-ok-1")
    assert [(await http.post("/v1/messages", json=sent)).status_code for _ in range(2)] == [502, 200]
