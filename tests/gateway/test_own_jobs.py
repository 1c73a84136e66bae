"""gateway/own_jobs.py: one's own jobs, page after page, and their removal."""

import json
from typing import Any

import pytest

from streamlog.lifecycle import State
from tests.gateway.house import MESSAGE, House
from tests.support import said
from tests.support.api import Api, is_content

UNKNOWN = "job_" + "x" * 22


async def _listed(api: Api, query: str = "") -> dict[str, Any]:
    response = await api.send("GET", f"/v1/jobs{query}")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_ones_own_jobs_are_listed_newest_first_in_pages(house: House) -> None:
    """Each once; those of another key are not among them; attached ones are."""
    ids = [await house.api.submit(MESSAGE) for _ in range(5)]
    async with Api(house.url, "another-key") as stranger:
        await stranger.submit(MESSAGE)
    first = await _listed(house.api, "?limit=3")
    assert [job["id"] for job in first["data"]] == ids[:1:-1]
    assert first["has_more"]
    second = await _listed(house.api, f"?limit=3&page={first['next_page']}")
    assert [job["id"] for job in second["data"]] == ids[1::-1]
    assert (second["has_more"], second["next_page"]) == (False, None)


async def test_a_listed_job_has_its_state_and_times_but_no_words(house: House) -> None:
    """Prompt and answer are only for those who ask for that job."""
    job_id = await house.api.submit(MESSAGE)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("secret words"), said.STOP, mark="done")
    (job,) = (await _listed(house.api))["data"]
    assert (job["id"], job["state"], job["error_code"]) == (job_id, "done", None)
    assert job["timings"]["total_ms"] > 0
    assert "secret words" not in str(job) and "sky" not in str(job)


async def test_a_list_can_be_of_one_state(house: House) -> None:
    """The states are those of a job."""
    first, second = await house.api.submit(MESSAGE), await house.api.submit(MESSAGE)
    assert (await house.claimed()).job_id == first
    assert [job["id"] for job in (await _listed(house.api, "?state=running"))["data"]] == [first]
    assert [job["id"] for job in (await _listed(house.api, "?state=queued"))["data"]] == [second]
    assert (await _listed(house.api, "?state=failed"))["data"] == []


@pytest.mark.parametrize(
    "query", ["?state=asleep", "?limit=0", "?limit=101", "?limit=x", "?page=", "?page=x", f"?page=-{UNKNOWN}"]
)
async def test_a_list_that_makes_no_sense_is_refused(house: House, query: str) -> None:
    """400, and the name of the parameter."""
    response = await house.api.send("GET", f"/v1/jobs{query}")
    assert response.status_code == 400
    assert query[1:].split("=")[0] in response.json()["error"]["message"]


async def test_a_page_of_another_shows_nothing_of_his(house: House) -> None:
    """It is a place in one's own list."""
    for _ in range(2):
        await house.api.submit(MESSAGE)
    page = (await _listed(house.api, "?limit=1"))["next_page"]
    async with Api(house.url, "another-key") as stranger:
        assert (await _listed(stranger, f"?page={page}"))["data"] == []


async def test_a_removed_job_is_gone(house: House) -> None:
    """From every address; the second removal finds nothing, like an unknown id."""
    job_id = await house.api.submit(MESSAGE)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"), said.STOP, mark="done")
    removed = await house.api.send("DELETE", f"/v1/jobs/{job_id}")
    assert (removed.status_code, removed.json()) == (200, {"id": job_id, "type": "job_removed"})
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("DELETE", "")):
        assert (await house.api.send(method, f"/v1/jobs/{job_id}{path}")).status_code == 404
    assert (await _listed(house.api))["data"] == []
    left = {key.decode() for key in await house.world.call("KEYS", f"{house.world.keys.prefix}*{job_id}*")}
    assert left == set()


async def test_whoever_follows_a_job_that_is_removed_is_told(house: House) -> None:
    """By the ending of a cancel, and its metric counts it."""
    job_id = await house.api.submit(MESSAGE)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"))
    async with house.api.follow(job_id) as following:
        await following.until(is_content)
        assert (await house.api.send("DELETE", f"/v1/jobs/{job_id}")).status_code == 200
        *_, ending = await following.rest()
    assert (ending.name, json.loads(ending.data)["error"]["details"]) == ("error", {"error_code": "cancelled"})


@pytest.mark.parametrize("state", [State.QUEUED, State.DONE])
async def test_a_foreign_job_cannot_be_removed(house: House, state: State) -> None:
    """The answer is that of an unknown id, but for the request's own; the job stays."""
    job_id = await house.api.submit(MESSAGE)
    if state is State.DONE:
        await (await house.claimed()).says(said.start(), said.text("a"), said.STOP, mark="done")
    async with Api(house.url, "another-key") as stranger:
        answers = [await stranger.send("DELETE", f"/v1/jobs/{wanted}") for wanted in (job_id, UNKNOWN, "nonsense")]
    told = [(answer.status_code, answer.json()["error"]) for answer in answers]
    assert told[0] == told[1] == told[2]
    assert told[0][0] == 404
    assert (await house.world.record(job_id)).state is state
