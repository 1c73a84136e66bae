"""`POST /v1/messages`: the Anthropic Messages API, streaming or not, for unmodified clients.

Does not know: how the answer is held and relayed (`held`, `relay`).
"""

from fastapi import FastAPI, Request
from starlette.responses import Response

from gateway.admission import messages_request, query_of
from gateway.held import HeldStream, HeldWhole
from gateway.openapi import CREATE_MESSAGE
from gateway.plain_route import add_plain_route
from gateway.service import Service, now


def add_routes(app: FastAPI, service: Service) -> None:
    """Register on the application itself: a router in between costs 0.1 ms a request."""

    async def create_message(http: Request) -> Response:
        """Anthropic's Messages API. The job lives for its listeners: when they leave, it is cancelled."""
        accepted = now()
        async with service.admitted(http) as (client, body):
            request = messages_request(body, "/v1/messages", query_of(http.scope), http.headers.raw)
            job = await service.submit(http, client, request, attached=True, accepted=accepted)
        return HeldStream(service, job) if request.stream else HeldWhole(service, job)

    described = {"summary": "Create a message", "tags": ["messages"], **CREATE_MESSAGE}
    add_plain_route(app, "/v1/messages", create_message, methods=["POST"], **described)
