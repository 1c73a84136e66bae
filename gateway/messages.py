"""`POST /v1/messages`: the Anthropic Messages API, streaming or not, for unmodified clients.

Does not know: how the answer is held and relayed (`held`, `relay`).
"""

from fastapi import FastAPI, Request
from starlette.responses import Response

from gateway.admission import messages_request
from gateway.held import HeldStream, HeldWhole
from gateway.openapi import ERRORS, MESSAGES_BODY
from gateway.replies import new_request_id
from gateway.service import Service, now


def add_routes(app: FastAPI, service: Service) -> None:
    """Register on the application itself: a router in between costs 0.1 ms a request."""

    @app.post(
        "/v1/messages",
        summary="Create a message",
        tags=["messages"],
        response_class=Response,
        responses=ERRORS | {200: {"description": "The message; with `stream: true` its events."}},
        openapi_extra={"requestBody": MESSAGES_BODY},
    )
    async def create_message(http: Request) -> Response:
        """Anthropic's Messages API. The job lives for its listeners: when they leave, it is cancelled."""
        accepted = now()
        owner, body = await service.admit(http)
        request = messages_request(body, "/v1/messages", http.url.query, http.headers.raw)
        job = await service.submit(owner, request, new_request_id(), attached=True, accepted=accepted)
        return HeldStream(service, job) if request.stream else HeldWhole(service, job)
