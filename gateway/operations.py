"""`/healthz`, `/readyz`, `/metrics`: for those who look whether it is there, and those who run it.

Does not know: jobs.
"""

import asyncio
import json

from fastapi import FastAPI, Request
from starlette.responses import Response

from gateway import openapi
from gateway.service import Service
from telemetry.exposition import render_in_turns

_LIMIT_S = 2.0


def add_routes(app: FastAPI, service: Service) -> None:
    """Register on the application itself: a router in between costs 0.1 ms a request."""

    @app.api_route("/api/hello", methods=["GET", "HEAD"], include_in_schema=False)
    async def hello() -> Response:
        """Claude Code opens its connection with it; others probe `/` (`page_route`)."""
        return _json({"name": "sluice", "messages": "/v1/messages", "docs": "/docs"}, 200)

    @app.get(
        "/healthz",
        summary="Whether the process is alive",
        tags=["operations"],
        response_class=Response,
        **openapi.HEALTHZ,
    )
    async def healthz() -> Response:
        """200 as long as the event loop turns."""
        return _json({"status": "ok"}, 200)

    @app.get(
        "/readyz", summary="Whether to send work here", tags=["operations"], response_class=Response, **openapi.READYZ
    )
    async def readyz() -> Response:
        """200 if Redis answers and this gateway is not draining. `workers` counts those that swept in the last 5 s."""
        try:
            async with asyncio.timeout(_LIMIT_S):
                fleet = await service.fleet.read()
        except TimeoutError:
            fleet = None
        ready = fleet is not None and not service.subscribers.draining
        state = {
            "ready": ready,
            "redis": fleet is not None,
            "draining": service.subscribers.draining,
            "workers": fleet.workers if fleet else None,
            "queued": fleet.queued if fleet else None,
            "subscribers": service.presence.subscribers,
        }
        return _json(state, 200 if ready else 503)

    @app.get("/metrics", summary="Prometheus metrics", tags=["operations"], response_class=Response, **openapi.METRICS)
    async def metrics(http: Request) -> Response:
        """OpenMetrics if the `Accept` header asks for it, else Prometheus' text format."""
        body, content_type = await render_in_turns(http.headers.get("accept"))
        return Response(body, headers={"content-type": content_type})


def _json(value: object, status: int) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")
