"""Pages of other sites: no answer lets a browser hand it to them, and no preflight lets them ask."""

import pytest

from tests.support.api import VERSION, Api, body

FOREIGN = {"origin": "https://elsewhere.example"}
PREFLIGHT = {
    **FOREIGN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "x-api-key,content-type",
    "access-control-request-private-network": "true",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", "/v1/messages"),
        ("OPTIONS", "/v1/jobs"),
        ("OPTIONS", "/v1/jobs/job_0000000000000000000000/events"),
        ("OPTIONS", "/nowhere"),
        ("OPTIONS", "/"),
        ("GET", "/v1/models"),
        ("GET", "/v1/jobs"),
        ("GET", "/v1/jobs/job_0000000000000000000000/events"),
        ("GET", "/metrics"),
        ("GET", "/readyz"),
        ("GET", "/openapi.json"),
        ("GET", "/"),
        ("POST", "/nowhere"),
    ],
)
async def test_no_answer_is_for_another_site(api: Api, method: str, path: str) -> None:
    """CORS is off: a preflight is refused or empty, and nothing says that others may read."""
    response = await api.send(method, path, headers=PREFLIGHT if method == "OPTIONS" else FOREIGN)
    assert [name for name in response.headers if name.startswith("access-control-")] == []
    if method == "OPTIONS":
        assert response.status_code in (404, 405)


@pytest.mark.parametrize("stream", [True, False])
async def test_no_message_is_for_another_site(api: Api, stream: bool) -> None:
    """A call that a page can make without a preflight is refused where no key is wanted: it would be paid for, though
    its answer stays unread."""
    headers = {**VERSION, **FOREIGN, "content-type": "text/plain"}
    response = await api.send("POST", "/v1/messages", headers=headers, json=body("text events=1 tps=0", stream=stream))
    assert (response.status_code, "another site" in response.text) == (403, True)
    assert [name for name in response.headers if name.startswith("access-control-")] == []
