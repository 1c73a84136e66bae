"""gateway/plain_route.py: a call is answered alike past the framework and through it."""

from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Request
from redis.exceptions import ConnectionError as RedisConnectionError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.plain_route import add_plain_route, use_short_way
from gateway.replies import use_anthropic_errors
from streamlog.errors import ClientError

ERRORS = {
    "ours": ClientError("body_too_large"),
    "redis": RedisConnectionError("gone"),
    "framework": HTTPException(418, "a teapot", headers={"x-pot": "tea"}),
    "unforeseen": ValueError("nobody thought of this"),
}


def app_of(error: Exception | None) -> FastAPI:
    """One endpoint on a way past the framework and on one through it."""
    app = FastAPI()
    use_anthropic_errors(app)

    async def endpoint(http: Request) -> Response:
        if error is not None:
            raise error
        return Response(b"fine", headers={"x-path": http.url.path.partition("/")[0]})

    add_plain_route(app, "/short", endpoint, methods=["GET"])
    add_plain_route(app, "/{way}", endpoint, methods=["GET"])
    use_short_way(app)
    return app


async def told(app: FastAPI, path: str) -> tuple[int, Mapping[str, str], Any]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sluice") as client:
        response = await client.get(path)
    headers = {name: value for name, value in response.headers.items() if name not in ("request-id", "content-length")}
    body = response.json() if "json" in response.headers.get("content-type", "") else response.content
    if isinstance(body, dict):
        assert body.pop("request_id") == response.headers["request-id"]
    return response.status_code, headers, body


@pytest.mark.parametrize(("name", "status"), [("ours", 413), ("redis", 503), ("framework", 418), ("unforeseen", 500)])
async def test_every_error_is_told_alike(name: str, status: int) -> None:
    """Status, headers and body; the ways differ in nothing but the time."""
    app = app_of(ERRORS[name])
    short, through = await told(app, "/short"), await told(app, "/long")
    assert short == through
    assert short[0] == status
    assert short[2]["type"] == "error"


async def test_an_answer_is_the_same() -> None:
    """And a method that the route does not take is the framework's to refuse."""
    app = app_of(None)
    assert await told(app, "/short") == await told(app, "/long")
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sluice") as client:
        assert (await client.post("/short")).status_code == 405
