"""The gateway's ASGI application: wires routes, errors and documentation. Decides nothing."""

from importlib.metadata import version

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from gateway import chat, conversations, jobs, light, messages, operations, own_jobs, page_route
from gateway.openapi import use_document
from gateway.plain_route import use_short_way
from gateway.replies import use_anthropic_errors
from gateway.service import Service


def build_app(service: Service) -> FastAPI:
    """The application around a started service. `/docs` loads nothing from elsewhere."""
    app = FastAPIOffline(
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
        title="Sluice",
        version=version("sluice"),
        description="A queue-backed streaming gateway for Claude. One `base_url`, and no stream is lost.",
        redoc_url=None,
        static_url="/docs-assets",
    )
    use_anthropic_errors(app)
    for room in (messages, light, jobs, own_jobs, conversations, operations, chat):
        room.add_routes(app, service)
    page_route.add_routes(app)
    use_document(app)
    use_short_way(app)
    return app
