"""A call that is made again joins the job that it began: Claude is asked once, and the client gets the whole answer."""

import asyncio
from uuid import uuid4

import anthropic
import httpx2
import pytest
from anthropic import Anthropic, AsyncAnthropic

from tests.support.api import Api, body, is_content
from tests.support.cluster import Cluster
from tests.support.facts import fact
from tests.support.ledger import Ledger
from tests.support.sse import Event, frames

SLOW = "slow-first-token ms=1500"


@pytest.fixture
async def ledger(direct: Api) -> Ledger:
    return Ledger(direct)


async def test_an_impatient_sdk_is_answered_by_the_job_that_it_began(shared: Cluster, ledger: Ledger) -> None:
    """Its read timeout is shorter than the wait for the answer, so it calls again; the upstream is called once."""
    label = uuid4().hex
    async with AsyncAnthropic(base_url=shared.url, api_key="k", max_retries=4, timeout=0.8) as client:
        message = await client.messages.create(**body(SLOW, stream=False, label=label))
    assert message.content
    assert message.stop_reason == "end_turn"
    assert len(await ledger.closed(label)) == 1


async def test_a_stream_that_is_asked_for_again_goes_on_from_its_beginning(api: Api, ledger: Ledger) -> None:
    """Cut in mid-answer; the retry gets every event of the same answer, from the first one on."""
    label = uuid4().hex
    message = body("text events=40 tps=40", label=label)
    async with api.stream(message) as first:
        await first.until(is_content)
    await fact(lambda: _unwatched(api))
    again = await _retried(api, message)
    assert again.headers["sluice-job-id"] == first.job_id
    assert again.headers["idempotent-replayed"] == "true"
    whole = [Event.read(raw) for raw in again.content.removesuffix(b"\n\n").split(b"\n\n")]
    seen = frames(first.events)
    assert [event.id for event in frames(whole)[: len(seen)]] == [event.id for event in seen]
    assert whole[-1].name == "message_stop"
    assert len(await ledger.closed(label)) == 1


async def _unwatched(api: Api) -> bool | None:
    return (await api.send("GET", "/readyz")).json()["subscribers"] == 0 or None


async def _retried(api: Api, message: dict[str, object]) -> httpx2.Response:
    return await api.send("POST", "/v1/messages", json=message, headers={"x-stainless-retry-count": "1"})


@pytest.mark.parametrize("stream", [True, False])
async def test_an_idempotency_key_asks_once(api: Api, ledger: Ledger, stream: bool) -> None:
    """Side by side and afterwards, every call with it has the same answer, byte for byte."""
    label, headers = uuid4().hex, {"idempotency-key": f"order {uuid4().hex}"}
    message = body("text events=20 tps=100", stream=stream, label=label)

    async def call() -> httpx2.Response:
        return await api.send("POST", "/v1/messages", json=message, headers=headers)

    together = await asyncio.gather(*(call() for _ in range(5)))
    answers = [*together, await call()]
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.headers["sluice-job-id"] for answer in answers}) == 1
    assert len({answer.content for answer in answers}) == 1
    assert sum(answer.headers.get("idempotent-replayed") == "true" for answer in answers) == 5
    assert len(await ledger.closed(label)) == 1


async def test_a_key_is_for_one_request_and_one_owner(api: Api, shared: Cluster) -> None:
    """Another request with it is 422; another client's key of that name is its own."""
    headers = {"idempotency-key": uuid4().hex}
    first = await api.send("POST", "/v1/messages", json=body(stream=False), headers=headers)
    other = await api.send("POST", "/v1/messages", json=body(prompt="Another?", stream=False), headers=headers)
    assert (first.status_code, other.status_code) == (200, 422)
    assert other.json()["error"]["details"]["error_code"] == "idempotency_conflict"
    async with Api(shared.url, "another-client") as stranger:
        answer = await stranger.send("POST", "/v1/messages", json=body(stream=False), headers=headers)
    assert answer.headers["sluice-job-id"] != first.headers["sluice-job-id"]


async def test_a_refusal_frees_the_key(api: Api, ledger: Ledger) -> None:
    """Nothing was answered, so the same key asks again."""
    label, headers = uuid4().hex, {"idempotency-key": uuid4().hex}
    message = body("error status=429 retry-after=none then-ok=1", stream=False, label=label)
    answers = [await api.send("POST", "/v1/messages", json=message, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [429, 200]
    assert len(await ledger.closed(label, 2)) == 2


async def test_a_detached_job_is_submitted_once(api: Api, ledger: Ledger) -> None:
    """A client that lost the answer to its submit gets the same job."""
    label, headers = uuid4().hex, {"idempotency-key": uuid4().hex}
    message = body("text events=5", label=label)
    answers = [await api.send("POST", "/v1/jobs", json=message, headers=headers) for _ in range(2)]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await api.ended(answers[0].json()["id"]))["state"] == "done"
    again = await api.send("POST", "/v1/jobs", json=message, headers=headers)
    assert (again.status_code, again.json()["state"]) == (202, "done")
    assert len(await ledger.closed(label)) == 1


async def test_the_same_question_of_two_clients_is_two_calls(api: Api, ledger: Ledger) -> None:
    """A retry joins only what nobody else listens to."""
    label = uuid4().hex
    message = body("text events=60 tps=60", label=label)
    async with api.stream(message) as first:
        await first.until(is_content)
        again = await _retried(api, message)
        assert again.headers["sluice-job-id"] != first.job_id
    await ledger.called(label, 2)


def test_light_calls_do_not_wait_behind_a_full_fleet(narrow: Cluster) -> None:
    """The one slot is taken and a second answer waits for it; tokens are counted and models listed meanwhile."""
    busy = body("text events=4000 tps=20")
    client = Anthropic(base_url=narrow.url, api_key="k", max_retries=0, timeout=20.0)
    with client.messages.create(**busy) as stream:
        assert next(iter(stream)).type == "message_start"
        counted = client.messages.count_tokens(model="claude-test", messages=[{"role": "user", "content": "How much?"}])
        assert counted.input_tokens > 0
        page = client.models.list(limit=2)
        assert (len(page.data), page.has_more) == (2, True)
        assert client.models.retrieve(page.data[0].id).id == page.data[0].id
        with pytest.raises(anthropic.NotFoundError):
            client.models.retrieve("claude-unknown")
