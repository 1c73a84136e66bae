"""Errors: each code has a type that clients know and the status that travels with it."""

import json

import anthropic
import httpx2
import pytest

from streamlog.errors import (
    CODES,
    STATUS_BY_TYPE,
    ClientError,
    InternalError,
    SluiceError,
    UpstreamError,
    error_body,
    error_event,
    is_error_body,
)

# Statuses that Anthropic's table does not know, because they are said by a proxy, or by nobody.
OTHER_STATUSES = {
    "api_error": {499, 502, 503},
    "overloaded_error": {503},
    "invalid_request_error": {405, 409, 422, 431},
}


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_published_type_and_a_fitting_status(code: str) -> None:
    """The type is one of Anthropic's, the status is the type's own or one that a gateway may say."""
    told = CODES[code]
    assert told.http_status in {STATUS_BY_TYPE[told.error_type], *OTHER_STATUSES.get(told.error_type, ())}
    assert told.message.endswith(".")


@pytest.mark.parametrize("code", CODES)
def test_every_body_is_one_line_of_the_shape_that_sdks_read(code: str) -> None:
    """Type, message, code and request id are where a client looks for them."""
    body = SluiceError(code).body("req_1")
    assert b"\n" not in body
    value = json.loads(body)
    told = CODES[code]
    error = {"type": told.error_type, "message": told.message, "details": {"error_code": code}}
    assert value == {"type": "error", "error": error, "request_id": "req_1"}
    assert is_error_body(value)


def test_an_sdk_reads_the_type_from_a_body() -> None:
    """The official client makes an error of it that says what happened."""
    value = json.loads(InternalError("queue_full").body("req_1"))
    response = httpx2.Response(529, json=value, request=httpx2.Request("POST", "http://127.0.0.1/v1/messages"))
    client = anthropic.Anthropic(api_key="k", base_url="http://127.0.0.1")
    error = client._make_status_error_from_response(response)
    assert isinstance(error, anthropic.APIStatusError)
    assert (error.status_code, error.type) == (529, "overloaded_error")


def test_an_error_says_whose_fault_it_is_and_what_its_code_says() -> None:
    """Each kind has a code of its own to fall back on; the code decides status and whether asking again helps."""
    kinds = (ClientError(), UpstreamError(), InternalError())
    assert [error.code for error in kinds] == ["invalid_request", "upstream_error", "internal"]
    assert [error.http_status for error in kinds] == [400, 500, 500]


def test_an_error_may_say_more_than_its_code() -> None:
    """A sentence with the numbers replaces the default, and tells how long to wait."""
    error = InternalError("queue_full", "The queue holds 512 jobs, its limit is 500.", retry_after_s=2)
    assert json.loads(error.body("r"))["error"]["message"] == "The queue holds 512 jobs, its limit is 500."
    assert (error.retry_after_s, str(error)) == (2, "queue_full: The queue holds 512 jobs, its limit is 500.")


def test_a_body_without_a_code_has_no_details() -> None:
    """An upstream's own error in our shape does not claim a reason of ours."""
    assert json.loads(error_body("api_error", "m", None, "r"))["error"] == {"type": "api_error", "message": "m"}


def test_an_error_event_is_one_complete_event() -> None:
    """Whatever the message contains, its data stays on one line."""
    event = error_event(error_body("api_error", 'new\nline, "quote", \u2028 \x85', "internal", "r"))
    assert event.startswith(b"event: error\ndata: {")
    assert event.endswith(b"}\n\n")
    assert event.count(b"\n") == 3
    assert event.isascii()


UNREADABLE: list[object] = [
    None,
    [],
    "error",
    {},
    {"type": "error"},
    {"type": "error", "error": "x"},
    {"error": {"type": "a", "message": "b"}},
    {"type": "error", "error": {"type": "a"}},
    {"type": "error", "error": {"type": 1, "message": "b"}},
]


@pytest.mark.parametrize("value", UNREADABLE)
def test_what_sdks_cannot_read_is_no_error_body(value: object) -> None:
    """A body of another shape must be wrapped."""
    assert not is_error_body(value)
