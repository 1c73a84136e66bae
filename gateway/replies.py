"""Responses that are not streams, above all errors: always in Anthropic's shape, always with a request id.

Invariant: no error leaves the gateway in another shape, and none shows a traceback.
Does not know: jobs.
"""

import json
import logging
import secrets
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from streamlog.errors import STATUS_BY_TYPE, ClientError, InternalError, SluiceError, error_body
from streamlog.redis_link import LINK_ERRORS
from telemetry import announce, facts

_log = logging.getLogger("sluice.gateway")
_TYPE_BY_STATUS = {status: error_type for error_type, status in STATUS_BY_TYPE.items()}
_REASONS = {
    "body_too_large": "body_too_large",
    "unauthorized": "unauthorized",
    "requests_limited": "requests_limited",
    "tokens_limited": "tokens_limited",
    "streams_limited": "streams_limited",
    "queue_full": "queue_full",
    "intake_full": "queue_full",
    "draining": "draining",
    "not_found": "not_found",
    "job_not_found": "not_found",
    "assistant_not_found": "not_found",
    "conversation_not_found": "not_found",
    "conversation_busy": "invalid",
    "conversation_full": "invalid",
    "cross_site": "unauthorized",
    "redis_unavailable": "redis_down",
    "no_workers": "no_workers",
    "invalid_request": "invalid",
    "malformed_position": "invalid",
    "method_not_allowed": "invalid",
    "headers_too_large": "invalid",
    "idempotency_conflict": "invalid",
}


def new_request_id() -> str:
    """`req_` and 24 hexadecimal digits; unique, and safe in headers, JSON and Lua strings."""
    return "req_" + secrets.token_hex(12)


def json_reply(body: bytes, status: int, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response with its request id."""
    all_headers = {"content-type": "application/json", **(headers or {})}
    all_headers.setdefault("request-id", request_id)
    return Response(body, status, all_headers)


def told(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A value as a JSON response of our own."""
    return json_reply(json.dumps(value).encode(), status, new_request_id(), headers)


def problem_reply(problem: SluiceError, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error of ours as a response."""
    announce_refused(problem)
    more = dict(headers or {})
    if problem.retry_after_s is not None:
        more["retry-after"] = str(problem.retry_after_s)
    return json_reply(problem.body(request_id), problem.http_status, request_id, more)


def announce_refused(problem: SluiceError) -> None:
    """For whoever tells an error otherwise than by a response of its own."""
    announce(facts.Refused(_REASONS.get(problem.code, "other")))


def use_anthropic_errors(app: FastAPI) -> None:
    """Give every error of every route the Anthropic shape: ours, the framework's, and the unforeseen."""
    for error in (SluiceError, HTTPException, RequestValidationError, Exception, *LINK_ERRORS):
        app.add_exception_handler(error, reply_to)


async def reply_to(request: Request, error: Exception) -> Response:
    """What any error is answered with, by whichever way its call came."""
    if isinstance(error, SluiceError):
        return problem_reply(error, new_request_id())
    if isinstance(error, LINK_ERRORS):
        _log.warning("redis not reached: %s", type(error).__name__)
        return problem_reply(InternalError("redis_unavailable", retry_after_s=1), new_request_id())
    if isinstance(error, HTTPException):
        return _of_http_exception(request, error)
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    _log.error("unforeseen error", exc_info=error)
    # The server gives the connection up behind it: its client must not send another request there.
    return problem_reply(InternalError("internal"), new_request_id(), {"connection": "close"})


def _of_http_exception(request: Request, error: HTTPException) -> Response:
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return problem_reply(ClientError("not_found", f"There is nothing at {request.url.path}."), new_request_id())
    if error.status_code == 405:
        message = f"{request.url.path} does not take {request.method}."
        headers["Allow"] = _allowed(request)
        return problem_reply(ClientError("method_not_allowed", message), new_request_id(), headers)
    error_type = _TYPE_BY_STATUS.get(
        error.status_code, "invalid_request_error" if error.status_code < 500 else "api_error"
    )
    request_id = new_request_id()
    return json_reply(
        error_body(error_type, str(error.detail), None, request_id), error.status_code, request_id, headers
    )


def _allowed(request: Request) -> str:
    """All methods of an address, as RFC 9110 has it; the framework names those of one route."""
    methods: set[str] = set()
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        methods |= (route.methods or set()) if match is not Match.NONE else set()
    return ", ".join(sorted(methods))


def _of_validation(error: RequestValidationError) -> Response:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return problem_reply(ClientError("invalid_request", f"{where}: {first['msg']}"), new_request_id())
