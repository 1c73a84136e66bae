"""`POST /v1/messages`: the Anthropic Messages API, streaming or not, for unmodified clients.

Does not know: how the answer is held and relayed (`held`, `relay`).
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from gateway.admission import messages_request
from gateway.held import HeldStream, HeldWhole
from gateway.openapi import CREATE_MESSAGE
from gateway.service import Service, now


class PlainRoute(APIRoute):
    """Documented like any route, but called directly: there is no parameter for FastAPI to solve, and its solving
    costs 0.2 ms of each first token."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return self.endpoint


def add_routes(app: FastAPI, service: Service) -> None:
    """Register on the application itself: a router in between costs 0.1 ms a request."""

    async def create_message(http: Request) -> Response:
        """Anthropic's Messages API. The job lives for its listeners: when they leave, it is cancelled."""
        accepted = now()
        async with service.admitted(http) as (owner, body):
            request = messages_request(body, "/v1/messages", http.url.query, http.headers.raw)
            job = await service.submit(http, owner, request, attached=True, accepted=accepted)
        return HeldStream(service, job) if request.stream else HeldWhole(service, job)

    app.router.add_api_route(
        "/v1/messages",
        create_message,
        methods=["POST"],
        route_class_override=PlainRoute,
        summary="Create a message",
        tags=["messages"],
        response_class=Response,
        **CREATE_MESSAGE,
    )
