"""Calls that generate nothing: counting tokens, and the list of models.

Invariant: they are jobs like any other, because only workers hold the upstream's key, but wait in a lane of their own,
so a fleet full of answers does not delay them. What the upstream answers is passed on unchanged.
Does not know: what the upstream makes of them.
"""

import re

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from starlette.responses import Response

from gateway import openapi
from gateway.admission import count_request, query_of, target, travelling
from gateway.held import HeldWhole
from gateway.plain_route import add_plain_route
from gateway.service import Service, now
from streamlog.errors import ClientError
from streamlog.jobs import Request
from streamlog.keys import Lane

_MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,255}")
_NO_MODEL = "none"


def add_routes(app: FastAPI, service: Service) -> None:
    """Register on the application itself: a router in between costs 0.1 ms a request."""

    async def count_tokens(http: HttpRequest) -> Response:
        """How many input tokens a message would have, as Claude counts them."""
        accepted = now()
        async with service.admitted(http) as (client, body):
            request = count_request(body, "/v1/messages/count_tokens", query_of(http.scope), http.headers.raw)
            job = await service.submit(http, client, request, attached=True, accepted=accepted, lane=Lane.LIGHT)
        return HeldWhole(service, job)

    async def list_models(http: HttpRequest) -> Response:
        """The models that the upstream offers, newest first, in pages."""
        return await _look_up(service, http, "/v1/models")

    async def get_model(http: HttpRequest) -> Response:
        """One model, by its id or an alias."""
        model_id = http.path_params["model_id"]
        if not _MODEL_ID.fullmatch(model_id):  # it must not become a path of its own
            raise ClientError("not_found", f"model: {model_id[:256]}")
        return await _look_up(service, http, f"/v1/models/{model_id}")

    described = {"summary": "Count the tokens of a message", "tags": ["messages"], **openapi.COUNT_TOKENS}
    add_plain_route(app, "/v1/messages/count_tokens", count_tokens, methods=["POST"], **described)
    described = {"summary": "List models", "tags": ["models"], **openapi.LIST_MODELS}
    add_plain_route(app, "/v1/models", list_models, methods=["GET"], **described)
    described = {"summary": "Look at a model", "tags": ["models"], **openapi.GET_MODEL}
    add_plain_route(app, "/v1/models/{model_id}", get_model, methods=["GET"], **described)


async def _look_up(service: Service, http: HttpRequest, path: str) -> Response:
    accepted = now()
    headers = travelling(http.headers.raw)
    async with service.admitted(http) as (client, _):
        request = Request("GET", target(path, query_of(http.scope)), headers, b"", _NO_MODEL, stream=False)
        job = await service.submit(http, client, request, attached=True, accepted=accepted, lane=Lane.LIGHT)
    return HeldWhole(service, job)
