"""The gateway is what its OpenAPI document says: every status, shape and header, for whatever it is asked.

schemathesis reads the document of a running gateway and makes up calls, sound and unsound, alone and along the links of
the document (submit, look, follow, cancel). The simulator behind it answers at once and is asked for no failure, so a
5xx is a defect. A failure prints the call as a line of curl; the seed is fixed, `make fuzz ARGS="--seed 2"` takes
another one.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.openapi.fuzzing import Asked, asked_cluster, fuzz, left_behind
from tests.support.api import Api
from tests.support.cluster import Ground

_CASES = 100
_WITHOUT_INPUT = {"GET /healthz", "GET /readyz", "GET /metrics", "GET /v1/assistants"}  # there is one case of each
# What these have found once is gone.
_REMOVE = {"DELETE /v1/jobs/{job_id}", "DELETE /v1/conversations/{conversation_id}"}
_WITHOUT_KEY = ("/healthz", "/readyz", "/metrics")


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    ground = Ground()
    try:
        with asked_cluster(ground) as asked:
            yield asked
    finally:
        ground.close()


@pytest.mark.timeout(300)
def test_no_answer_contradicts_the_document(asked: Asked, tmp_path: Path) -> None:
    """100 cases an endpoint: no 5xx, nothing undocumented, no stream without its end. `make fuzz` asks 10,000."""
    outcome = fuzz(asked, tmp_path, _CASES)
    assert outcome.exit_code == 0, outcome.said
    assert left_behind(asked) == []
    documented = set(outcome.tally) - _WITHOUT_INPUT
    assert len(documented) == 18, outcome.said
    for removes in _REMOVE:
        assert set(outcome.tally[removes]) >= {"200", "404"}
    for operation in documented - _REMOVE:
        answers = outcome.tally[operation]
        assert sum(answers.values()) >= _CASES, f"{operation}: {answers}"
        good = sum(number for status, number in answers.items() if status.startswith("2"))
        assert good >= _CASES / 4, f"hardly any {operation} got through: {answers}"


async def test_every_call_of_the_api_needs_a_key(asked: Asked) -> None:
    """Everything but what operations ask is a 401 for a wrong key, and the document says which keys there are."""
    async with Api(asked.cluster.url, "wrong-key") as api:
        document = (await api.send("GET", "/openapi.json")).json()
        known = {"job_id": asked.jobs[0], "model_id": "claude-test", "assistant": "hr"}
        known["conversation_id"] = asked.conversations[0]
        assert document["components"]["securitySchemes"].keys() == {"x-api-key", "bearer"}
        for path, calls in document["paths"].items():
            for method, call in calls.items():
                keys = call.get("security", document["security"])
                assert keys == ([] if path in _WITHOUT_KEY else [{"x-api-key": []}, {"bearer": []}]), path
                answer = await api.send(method.upper(), path.format_map(known))
                assert (answer.status_code == 401) is bool(keys), (method, path)
