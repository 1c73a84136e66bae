"""How the numbers are served."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from telemetry import facts
from telemetry.exposition import observe_app, render, render_in_turns
from telemetry.metrics import METRICS
from telemetry.tally import Tally

OPENMETRICS = "application/openmetrics-text"
# As Prometheus 3 sends it.
PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


class Response:
    """What an ASGI app sent."""

    def __init__(self, sent: list[dict[str, Any]]) -> None:
        start, *bodies = sent
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body = b"".join(message["body"] for message in bodies)


async def ask(
    path: str,
    method: str = "GET",
    headers: Mapping[bytes, bytes] | None = None,
    ready: Mapping[str, object] | None = None,
) -> Response:
    """One request to an app that is as ready as `ready` says."""
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("the app must not wait for a body")

    scope = {"type": "http", "method": method, "path": path, "headers": list((headers or {}).items())}
    await observe_app(lambda: ready or {"ready": True})(scope, receive, send)
    return Response(sent)


@pytest.mark.parametrize("accept", [None, "", "*/*", "text/plain; version=0.0.4", "application/json"])
def test_prometheus_text_is_the_default(accept: str | None) -> None:
    """Whoever does not ask for OpenMetrics gets text format 0.0.4, and all of the table."""
    body, content_type = render(accept)
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    names = {family.name for family in parse_text(body.decode())}
    assert names >= {metric.name.removesuffix("_total") for metric in METRICS}


@pytest.mark.parametrize("accept", [PROMETHEUS_ACCEPT, OPENMETRICS, OPENMETRICS.upper(), f"{OPENMETRICS};version=abc"])
def test_openmetrics_is_served_on_request(accept: str) -> None:
    """Whoever names OpenMetrics gets a body that its strict parser takes, whatever version is asked for."""
    body, content_type = render(accept)
    assert content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert body.endswith(b"# EOF\n")
    families = parse_openmetrics(body.decode())  # type: ignore[no-untyped-call]  # the library left it untyped
    names = {family.name for family in families}
    assert names >= {metric.name.removesuffix("_total").removesuffix("_info") for metric in METRICS}


@pytest.mark.parametrize("accept", [None, OPENMETRICS])
async def test_rendering_in_turns_gives_the_same(accept: str | None, tally: Tally) -> None:
    """Both ways of rendering give the same families, types and samples of ours."""
    tally.announce(facts.ContentGaps("m", [0.1]))
    whole, in_turns = render(accept, tally.registry), await render_in_turns(accept, tally.registry)
    ours = [[line for line in body.splitlines() if b"sluice_" in line] for body, _ in (whole, in_turns)]
    assert ours[0] == ours[1]
    assert (len(ours[0]) > 100, whole[1]) == (True, in_turns[1])


async def test_rendering_in_turns_lets_others_run() -> None:
    """Between two metrics the event loop turns."""
    registry = CollectorRegistry()
    for number in range(10):
        Gauge(f"g{number}", "A gauge.", registry=registry)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(count())
    await render_in_turns(None, registry)
    other.cancel()
    assert turns >= 9


async def test_metrics_are_served_in_the_form_that_accept_names() -> None:
    """/metrics answers with the body and content type of the Accept header."""
    plain, open_ = await ask("/metrics"), await ask("/metrics", headers={b"accept": OPENMETRICS.encode()})
    assert (plain.status, plain.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert (open_.status, open_.headers["content-type"].split(";")[0]) == (200, OPENMETRICS)
    assert b"sluice_build_info{" in plain.body
    assert int(plain.headers["content-length"]) == len(plain.body)


async def test_health_is_answered_even_when_not_ready() -> None:
    """/healthz says that the process lives, and nothing else."""
    response = await ask("/healthz", ready={"ready": False})
    assert (response.status, json.loads(response.body)) == (200, {"status": "ok"})


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_readiness_is_a_status_and_its_reasons(ready: bool, status: int) -> None:
    """/readyz is 200 or 503, with what was found as JSON."""
    state = {"ready": ready, "redis": True, "draining": not ready}
    response = await ask("/readyz", ready=state)
    assert (response.status, json.loads(response.body)) == (status, state)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"


async def test_head_has_the_headers_without_the_body() -> None:
    """HEAD tells the length that GET would have and sends nothing."""
    get, head = await ask("/healthz"), await ask("/healthz", "HEAD")
    assert (head.status, head.headers, head.body) == (200, get.headers, b"")


@pytest.mark.parametrize("path", ["/", "/v1/messages", "/metrics/", "/healthz/x"])
async def test_other_paths_are_not_found(path: str) -> None:
    """Any other path is 404 as an Anthropic error."""
    response = await ask(path)
    error = json.loads(response.body)
    assert (response.status, error["type"], error["error"]["type"]) == (404, "error", "not_found_error")
    assert error["error"]["message"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_not_allowed(method: str) -> None:
    """A method that changes things is 405 as an Anthropic error and names what is allowed."""
    response = await ask("/metrics", method)
    error = json.loads(response.body)
    assert (response.status, error["type"], error["error"]["type"]) == (405, "error", "invalid_request_error")
    assert response.headers["allow"] == "GET, HEAD"


async def test_only_http_is_served() -> None:
    """A websocket or a lifespan is refused with a clear error."""
    with pytest.raises(ValueError, match="not websocket"):
        await observe_app(dict)({"type": "websocket"}, None, None)  # type: ignore[arg-type]  # neither may be used
