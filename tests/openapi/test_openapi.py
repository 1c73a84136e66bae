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
_WITHOUT_INPUT = {"GET /healthz", "GET /readyz", "GET /metrics"}  # there is one case of each
_REMOVES = "DELETE /v1/jobs/{job_id}"  # what it has found once is gone


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
    assert len(documented) == 10, outcome.said
    assert set(outcome.tally[_REMOVES]) >= {"200", "404"}
    for operation in documented - {_REMOVES}:
        answers = outcome.tally[operation]
        assert sum(answers.values()) >= _CASES, f"{operation}: {answers}"
        good = sum(number for status, number in answers.items() if status.startswith("2"))
        assert good >= _CASES / 4, f"hardly any {operation} got through: {answers}"


async def test_every_call_of_the_api_needs_a_key(asked: Asked) -> None:
    """Everything under /v1/ is a 401 for a wrong key, and the document says which keys there are."""
    async with Api(asked.cluster.url, "wrong-key") as api:
        document = (await api.send("GET", "/openapi.json")).json()
        assert document["components"]["securitySchemes"].keys() == {"x-api-key", "bearer"}
        for path, calls in document["paths"].items():
            for method, call in calls.items():
                keys = call.get("security", document["security"])
                assert keys == ([{"x-api-key": []}, {"bearer": []}] if path.startswith("/v1/") else []), path
                answer = await api.send(method.upper(), path.format(job_id=asked.jobs[0], model_id="claude-test"))
                assert (answer.status_code == 401) is bool(keys), (method, path)
