"""Routes that FastAPI documents and does not solve.

Where a path has no parameters either, a call goes straight to its endpoint, past eight layers that would each stand on
the stack for as long as a stream lasts: they cost 0.3 ms of an idle first token and most of 10 kB of an open stream
(measured: docs/decisions/0011-past-the-framework.md).
Invariant: a call is answered alike on both ways, errors above all.
Does not know: what the endpoints do.
"""

from collections.abc import Callable, Coroutine, Mapping, MutableMapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.replies import reply_to

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class _PlainRoute(APIRoute):
    def get_route_handler(self) -> Endpoint:
        return self.endpoint


def add_plain_route(app: FastAPI, path: str, endpoint: Endpoint, **described: Any) -> None:
    """Documented like any route, but called directly: there is no parameter for FastAPI to solve, and its solving
    costs 0.2 ms of each first token. `described` goes to FastAPI's `add_api_route`."""
    app.router.add_api_route(path, endpoint, route_class_override=_PlainRoute, response_class=Response, **described)


def use_short_way(app: FastAPI) -> None:
    """Let calls of plain routes without parameters past the framework. After the last route was added."""
    plain = (route for route in app.routes if isinstance(route, _PlainRoute) and "{" not in route.path)
    endpoints = {(method, route.path): route.endpoint for route in plain for method in route.methods or ()}
    layers = app.build_middleware_stack
    app.build_middleware_stack = lambda: _Front(layers(), endpoints)  # type: ignore[method-assign]  # no other way in


class _Front:
    def __init__(self, app: ASGIApp, endpoints: Mapping[tuple[str, str], Endpoint]) -> None:
        self._app = app
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get((scope.get("method", ""), scope.get("path", "")))
        await (self._app(scope, receive, send) if endpoint is None else _call(endpoint, scope, receive, send))


async def _call(endpoint: Endpoint, scope: Scope, receive: Receive, send: Send) -> None:
    begun = False

    async def sending(message: MutableMapping[str, Any]) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, sending)
    except Exception as error:
        if begun:
            raise
        reply = await reply_to(Request(scope), error)
        await reply(scope, receive, send)
