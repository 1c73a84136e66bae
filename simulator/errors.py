"""Refusals in the shape of Claude's API: a status, a type, a message and a request id.

Invariant: every answer that is not a success has this body, whatever route or check made it.
Does not know which check failed, nor how bytes travel.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

ERROR_TYPES: dict[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    431: "invalid_request_error",
    500: "api_error",
    502: "api_error",
    503: "api_error",
    504: "timeout_error",
    505: "invalid_request_error",
    524: "timeout_error",
    529: "overloaded_error",
}
"""The error type that Claude's API sends with each status (its page "Errors")."""

MESSAGES: dict[int, str] = {
    400: "The request is not valid.",
    401: "invalid x-api-key",
    402: "Your credit balance is too low to access the API.",
    403: "Your API key does not have permission to use the specified resource.",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "The request took too long to arrive.",
    409: "The request conflicts with the current state of the resource.",
    413: "Request exceeds the maximum size",
    429: "This request would exceed your organization's rate limit.",
    431: "Request headers exceed the maximum size",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Request timed out",
    505: "This server speaks HTTP/1.1 only.",
    524: "A timeout occurred",
    529: "Overloaded",
}


@dataclass(frozen=True, slots=True)
class OddBody:
    """A body that is not the API's error. `of_api`: it came from the API all the same, with its headers."""

    body: bytes
    content_type: str | None
    of_api: bool


ODD_BODIES: dict[str, OddBody] = {
    "html": OddBody(
        b"<html>\r\n<head><title>Error</title></head>\r\n<body><center><h1>Error</h1></center></body>\r\n</html>\r\n",
        "text/html",
        of_api=False,
    ),
    "text": OddBody(
        "upstream connect error \u2013 connection reset\n".encode(), "text/plain; charset=utf-8", of_api=False
    ),
    "json": OddBody(b'{"detail": [{"code": 7, "reason": "off shape"}],  "ok": false}', "application/json", of_api=True),
    "empty": OddBody(b"", None, of_api=False),
}
"""By the word that asks for it: a page and a line of a middle box, JSON of another shape, nothing."""


class ApiError(Exception):
    """A refusal that is answered instead of a message.

    `status` is a key of ERROR_TYPES; without `message` the usual one of that status is sent.
    `headers` are sent in addition to those of every answer, `odd` in place of the API's body.
    Raises KeyError for a status without a type.
    """

    def __init__(
        self,
        status: int,
        message: str | None = None,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        odd: OddBody | None = None,
    ) -> None:
        self.status = status
        self.type = ERROR_TYPES[status]
        self.message = MESSAGES[status] if message is None else message
        self.headers = headers
        self.odd = odd
        super().__init__(f"{status} {self.type}: {self.message}")


def error_body(error_type: str, message: str, request_id: str) -> bytes:
    """The JSON body of a refusal, compact and on one line; also the data of `event: error`."""
    error = {"type": error_type, "message": message}
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})
