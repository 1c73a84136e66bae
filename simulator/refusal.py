"""How a refusal is answered: in the API's shape, or with the body that a scenario put in its place.

Invariant: a body of the API carries the API's headers and a request id; a page of a middle box carries neither.
Does not know why a call is refused.
"""

from __future__ import annotations

from simulator.errors import ApiError, error_body
from simulator.exchange import Exchange
from simulator.headers import api_headers, date_header
from simulator.http import Headers

_JSON: Headers = (("content-type", "application/json"),)


def refuse(exchange: Exchange, error: ApiError, request_id: str) -> None:
    """Send the whole answer to a call that is refused."""
    if error.odd is None:
        body = error_body(error.type, error.message, request_id)
        exchange.answer(error.status, (*_of_api(error, request_id), *error.headers, *_JSON), body)
        return
    sender = _of_api(error, request_id) if error.odd.of_api else (date_header(), ("server", "middlebox"))
    kind: Headers = (("content-type", error.odd.content_type),) if error.odd.content_type else ()
    exchange.answer(error.status, (*sender, *error.headers, *kind), error.odd.body)


def _of_api(error: ApiError, request_id: str) -> Headers:
    return api_headers(request_id, exhausted=error.status == 429)
