"""gateway/jobs.py: submit, look, cancel; a job id is not a permission."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from streamlog.lifecycle import State
from tests.gateway.house import MESSAGE, House, open_house
from tests.support import said
from tests.support.api import Api
from tests.support.series import Moved
from tests.support.valkey import Valkey

UNKNOWN = "job_" + "x" * 22


async def test_a_submit_is_accepted_with_its_addresses(house: House) -> None:
    """202, where to look, what to follow, and that it streams upstream."""
    response = await house.api.send("POST", "/v1/jobs", json=MESSAGE)
    job_id = response.json()["id"]
    assert response.status_code == 202
    assert response.headers["location"] == f"/v1/jobs/{job_id}"
    assert response.headers["sluice-job-id"] == job_id
    assert response.headers["request-id"].startswith("req_")
    assert response.json() == {
        "id": job_id,
        "type": "job",
        "state": "queued",
        "stream": True,
        "events_url": f"/v1/jobs/{job_id}/events",
    }


@pytest.mark.parametrize("stream", [True, False, None])
async def test_a_job_is_detached_and_streams_upstream(house: House, stream: bool | None) -> None:
    """Whatever its body says; nothing else of the body changes."""
    sent = MESSAGE | {"stream": stream, "new_field": {"a": [1.5, "é"]}}
    await house.api.submit(sent)
    hand = await house.claimed()
    record = await house.world.record(hand.job_id)
    assert (record.attached, record.stream) == (False, True)
    assert hand.claim.hold_left_s <= 0
    assert json.loads(hand.claim.body or b"") == sent | {"stream": True}


async def test_query_version_and_beta_travel_with_the_job(house: House) -> None:
    """They are the upstream's to read; the client's key is not."""
    headers = {"anthropic-version": "2026-10-21", "anthropic-beta": "b1,b2", "authorization": "Bearer client-key"}
    await house.api.send("POST", "/v1/jobs?beta=true&x=%20", json=MESSAGE, headers=headers)
    record = await house.world.record((await house.claimed()).job_id)
    assert record.path == "/v1/messages?beta=true&x=%20"
    assert record.headers == {"anthropic-version": "2026-10-21", "anthropic-beta": "b1,b2"}


async def test_a_detached_job_goes_on_without_listeners(house: House) -> None:
    """A follower that comes and goes changes nothing, beyond the grace time."""
    await house.api.submit(MESSAGE)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"))
    async with house.api.follow(hand.job_id) as stream:
        await stream.until(lambda event: bool(event.id))
    await house.subscribers(0)
    await house.world.pass_time(hand.job_id, 3600)
    lost, ended = await house.world.claims().renew([(hand.job_id, hand.claim.attempt)])
    assert (lost, ended) == (set(), [])


@pytest.mark.parametrize("action", [("GET", ""), ("GET", "/events"), ("POST", "/cancel")])
async def test_a_foreign_job_is_as_unknown_as_one_that_never_was(house: House, action: tuple[str, str]) -> None:
    """The same 404, but for its request id, for every call; and nothing happens to the job."""
    method, tail = action
    job_id = await house.api.submit(MESSAGE)
    async with Api(house.url, "another-key") as stranger:
        foreign = await stranger.send(method, f"/v1/jobs/{job_id}{tail}")
        unknown = await stranger.send(method, f"/v1/jobs/{UNKNOWN}{tail}")
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.json()["error"] == unknown.json()["error"]
    assert set(foreign.headers) == set(unknown.headers)
    assert await house.world.state(job_id) is State.QUEUED


@pytest.mark.parametrize(
    "job_id", ["x", "job_", "job_" + "x" * 21, "job_" + "x" * 23, "job_" + "!" * 22, "..%2f..", "%00"]
)
async def test_a_malformed_job_id_is_an_unknown_job(house: House, monkeypatch: pytest.MonkeyPatch, job_id: str) -> None:
    """404 in Anthropic's shape, without a question to Redis."""
    monkeypatch.delattr(house.service.log.__class__, "record")
    for method, tail in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        response = await house.api.send(method, f"/v1/jobs/{job_id}{tail}")
        assert response.status_code == 404
        assert response.json()["error"]["type"] == "not_found_error"


async def test_bearer_and_x_api_key_name_the_same_owner(house: House) -> None:
    """An SDK that changes its way keeps its jobs."""
    job_id = await house.api.submit(MESSAGE)
    headers = {"x-api-key": "", "authorization": "Bearer client-key"}
    response = await house.api.send("GET", f"/v1/jobs/{job_id}", headers=headers)
    assert response.status_code == 200


async def _queued(house: House) -> str:
    return await house.api.submit(MESSAGE)


async def _running(house: House) -> str:
    await house.api.submit(MESSAGE)
    return (await house.claimed()).job_id


async def _spoken(house: House) -> str:
    await house.api.submit(MESSAGE)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"))
    return hand.job_id


@pytest.mark.parametrize("made", [_queued, _running, _spoken])
async def test_a_cancel_ends_a_job_in_every_state(
    house: House, moved: Moved, made: Callable[[House], Awaitable[str]]
) -> None:
    """Its view is the answer; its followers hear it; it is counted once; repeating it changes nothing."""
    job_id = await made(house)
    following = asyncio.create_task(house.api.followed(job_id))
    await house.subscribers(1)
    first = await house.api.send("POST", f"/v1/jobs/{job_id}/cancel")
    assert (first.status_code, first.json()["state"], first.json()["error"]["code"]) == (200, "cancelled", "cancelled")
    assert (await following).events[-1].error_code == "cancelled"
    again = await house.api.send("POST", f"/v1/jobs/{job_id}/cancel")
    assert again.json() == first.json()
    assert await house.queued() == 0
    assert moved.by("sluice_jobs_total", "ending=cancelled") == 1


@pytest.mark.parametrize(("mark", "code"), [("done", ""), ("failed", "upstream_cut")])
async def test_a_cancel_of_an_ended_job_changes_nothing(house: House, moved: Moved, mark: str, code: str) -> None:
    """It stays what it was."""
    await house.api.submit(MESSAGE)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"), said.error() if code else said.STOP, mark=mark, code=code)
    log = await house.world.frames(hand.job_id)
    response = await house.api.send("POST", f"/v1/jobs/{hand.job_id}/cancel")
    assert (response.status_code, response.json()["state"]) == (200, mark)
    assert await house.world.frames(hand.job_id) == log
    assert moved.by("sluice_jobs_total", "ending=cancelled") == 0


async def test_two_cancels_at_once_are_one(house: House, moved: Moved) -> None:
    """Both get the same answer."""
    job_id = await house.api.submit(MESSAGE)
    first, second = await asyncio.gather(*(house.api.send("POST", f"/v1/jobs/{job_id}/cancel") for _ in range(2)))
    assert first.json() == second.json()
    assert moved.by("sluice_jobs_total", "ending=cancelled") == 1


async def test_a_full_queue_refuses_with_both_figures(valkey: Valkey) -> None:
    """529 and `retry-after`, for attached and detached calls; what was refused is not kept."""
    async with open_house(valkey.url, queue_jobs=2) as house:
        for _ in range(2):
            await house.api.submit(MESSAGE)
        for path in ("/v1/jobs", "/v1/messages"):
            response = await house.api.send("POST", path, json=MESSAGE)
            assert (response.status_code, response.json()["error"]["type"]) == (529, "overloaded_error")
            assert "2 jobs, its limit is 2" in response.json()["error"]["message"]
            assert response.headers["retry-after"] == "2"
        assert await house.queued() == 2
        assert len(await house.world.call("KEYS", house.world.keys.body("*"))) == 2


async def test_a_queue_full_of_bytes_refuses(valkey: Valkey) -> None:
    """The bound in bytes is as hard as the one in jobs."""
    async with open_house(valkey.url, queue_bytes=1 << 20) as house:
        large = MESSAGE | {"system": "x" * 600_000}
        await house.api.submit(large)
        response = await house.api.send("POST", "/v1/jobs", json=large)
        assert response.status_code == 529
        assert f"its limit is {1 << 20}" in response.json()["error"]["message"]
