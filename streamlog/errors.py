"""What can go wrong, by whose fault, and how a client is told.

    SluiceError
    ├── ClientError      the request is at fault; asking the same again does not help
    ├── UpstreamError    Claude's API refused, broke off or fell silent
    └── InternalError    this deployment is at fault or full

Invariant: every error has a `code` of the table `CODES`, which alone decides the Anthropic error type, the HTTP
status and the default sentence. Error bodies have the shape that Anthropic's SDKs parse:
`{"type": "error", "error": {"type", "message", "details": {"error_code"}}, "request_id"}`.
Does not know: FastAPI, Redis.
"""

import json
from dataclasses import dataclass

# Anthropic's published error types and the status each travels with.
STATUS_BY_TYPE: dict[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


@dataclass(frozen=True, slots=True)
class Code:
    """How one code is told: HTTP status while that is possible, Anthropic error type, sentence."""

    http_status: int
    error_type: str
    message: str


CODES: dict[str, Code] = {
    # the client's
    "invalid_request": Code(400, "invalid_request_error", "The request is not valid."),
    "malformed_position": Code(400, "invalid_request_error", "The position to follow from is malformed."),
    "unauthorized": Code(401, "authentication_error", "An API key is needed: x-api-key or Authorization: Bearer."),
    "not_found": Code(404, "not_found_error", "There is nothing at this address."),
    "job_not_found": Code(404, "not_found_error", "There is no such job, or it has expired, or it is not yours."),
    "assistant_not_found": Code(404, "not_found_error", "There is no such assistant, or it is not for you."),
    "conversation_not_found": Code(
        404, "not_found_error", "There is no such conversation, or it has expired, or it is not yours."
    ),
    "conversation_busy": Code(
        409, "invalid_request_error", "Another message of this conversation is being answered; follow or cancel it."
    ),
    "conversation_full": Code(
        400, "invalid_request_error", "This conversation has grown as long as one may be; begin another."
    ),
    "cross_site": Code(403, "permission_error", "A page of another site asked for this; a browser may not."),
    "method_not_allowed": Code(405, "invalid_request_error", "This address does not take that method."),
    "idempotency_conflict": Code(
        422, "invalid_request_error", "This Idempotency-Key was used for another request; a key stands for one."
    ),
    "body_too_large": Code(413, "request_too_large", "The request body is too large."),
    "requests_limited": Code(429, "rate_limit_error", "This client has made all the requests that it may in a minute."),
    "tokens_limited": Code(429, "rate_limit_error", "This client has used all the tokens that it may in a minute."),
    "streams_limited": Code(429, "rate_limit_error", "This client has as many jobs at once as it may have."),
    "headers_too_large": Code(431, "invalid_request_error", "The request line and headers are too large."),
    "cancelled": Code(499, "api_error", "The job was cancelled."),
    "abandoned": Code(499, "api_error", "Nobody was listening any more, so the job was cancelled."),
    # the upstream's
    "upstream_unreachable": Code(502, "api_error", "The upstream could not be reached."),
    "upstream_cut": Code(502, "api_error", "The upstream broke off before its answer was complete."),
    "upstream_garbled": Code(502, "api_error", "The upstream sent something that is not an answer."),
    "upstream_stalled": Code(504, "timeout_error", "The upstream fell silent before its answer was complete."),
    "upstream_error": Code(500, "api_error", "The upstream reported an error."),
    "answer_too_large": Code(502, "api_error", "The upstream's answer is larger than this gateway keeps."),
    # ours
    "worker_lost": Code(502, "api_error", "The worker that ran this job was lost."),
    "worker_failed": Code(500, "api_error", "The worker could not run this job."),
    "worker_stopping": Code(503, "overloaded_error", "The worker had to stop before the answer was complete."),
    "request_lost": Code(500, "api_error", "The request was lost before it could run."),
    "stream_lost": Code(500, "api_error", "Part of this stream was lost, so it cannot be continued."),
    "run_timeout": Code(504, "timeout_error", "The job ran for longer than its limit."),
    "queue_timeout": Code(529, "overloaded_error", "The job waited in the queue for too long."),
    "queue_full": Code(529, "overloaded_error", "The queue is full."),
    "intake_full": Code(529, "overloaded_error", "Too many request bodies are on their way in."),
    "no_workers": Code(529, "overloaded_error", "No worker is running."),
    "redis_unavailable": Code(503, "api_error", "The queue cannot be reached."),
    "draining": Code(503, "overloaded_error", "This gateway is stopping."),
    "internal": Code(500, "api_error", "Something went wrong here."),
}


class SluiceError(Exception):
    """An error that a client can be told about.

    `code` is a key of `CODES`; `message` is one sentence, by default the code's own; `retry_after_s` is set where
    waiting helps.
    """

    default_code = "internal"

    def __init__(
        self, code: str | None = None, message: str | None = None, *, retry_after_s: int | None = None
    ) -> None:
        self.code = code or self.default_code
        self.told = CODES[self.code]
        self.message = message or self.told.message
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.code}: {self.message}")

    @property
    def http_status(self) -> int:
        return self.told.http_status

    def body(self, request_id: str) -> bytes:
        """The Anthropic error body, one line of JSON."""
        return error_body(self.told.error_type, self.message, self.code, request_id)


class ClientError(SluiceError):
    """The request is at fault."""

    default_code = "invalid_request"


class UpstreamError(SluiceError):
    """Claude's API refused, broke off or fell silent."""

    default_code = "upstream_error"


class InternalError(SluiceError):
    """This deployment is at fault or full."""


def error_body(error_type: str, message: str, code: str | None, request_id: str) -> bytes:
    """An Anthropic error body as one line of JSON (so that it fits a `data:` line); without `code` no details."""
    error: dict[str, object] = {"type": error_type, "message": message}
    if code is not None:
        error["details"] = {"error_code": code}
    return json.dumps({"type": "error", "error": error, "request_id": request_id}, separators=(",", ":")).encode()


def error_event(body: bytes) -> bytes:
    """`body` (one line) as the server-sent event that SDKs raise as an `APIStatusError`."""
    return b"event: error\ndata: " + body + b"\n\n"


def is_error_body(value: object) -> bool:
    """Whether decoded JSON has the shape that Anthropic's SDKs read a type and a message from."""
    error = value.get("error") if isinstance(value, dict) and value.get("type") == "error" else None
    return isinstance(error, dict) and isinstance(error.get("type"), str) and isinstance(error.get("message"), str)
