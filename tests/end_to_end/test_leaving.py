"""A client that leaves: nobody pays on for an answer that nobody awaits, unless the job was asked to run alone.

A grace of 1.5 s and a watch of 2 s stand for the usual 10 and 15. Times are from the client's leaving to the end of its
upstream call, both by this machine's monotonic clock.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from time import monotonic
from uuid import uuid4

import httpx2
import pytest

from tests.support.api import Api, body, is_content
from tests.support.cluster import Cluster, Ground, started
from tests.support.facts import each
from tests.support.ledger import Ledger

GRACE_S = 1.5  # longer than the time between two renewals, which is when a running job's listeners are counted
WATCH_S = 2.0
WITHIN_S = GRACE_S + 2.0
# What the client asked for and how far it had come -> scenario, whether it streams, whether it leaves after content.
LEAVES = {
    "in mid-answer": ("text events=4000 tps=20", True, True),
    "when the upstream is silent in mid-answer": ("stall after=8", True, True),
    "before the first token": ("slow-first-token ms=60000", True, False),
    "before the upstream's head": ("stall before=headers", True, False),
    "from a call that does not stream": ("slow-first-token ms=60000", False, False),
}
# What a gateway was serving when it died -> scenario, whether it streams.
ABANDONED = (("text events=4000 tps=20", True), ("stall before=content", True), ("slow-first-token ms=60000", False))


@pytest.fixture(scope="module")
def cluster(ground: Ground) -> Iterator[Cluster]:
    """A worker and a gateway with short times of grace."""
    with started(ground, SLUICE_GRACE_S=GRACE_S, SLUICE_WATCH_S=WATCH_S, SLUICE_HOLD_S=0.2) as cluster:
        yield cluster


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    async with Api(cluster.url) as api:
        yield api


async def _leave(api: Api, ledger: Ledger, scenario: str, label: str, *, streams: bool, content: bool) -> float:
    """Ask, wait until the upstream was called (or content came), and go. Answers the time of going."""
    message = body(scenario, stream=streams, label=label)
    if content:
        async with api.stream(message) as stream:
            await stream.until(is_content)
        return monotonic()
    call = asyncio.create_task(api.answer(message))
    await ledger.called(label)
    call.cancel()
    await asyncio.wait((call,))
    return monotonic()


async def test_an_upstream_call_is_closed_when_its_client_leaves(api: Api, ledger: Ledger) -> None:
    """The upstream call ends within the grace time + 2 s of its client's going, wherever it stood, and not before."""

    async def check(scenario: str, streams: bool, content: bool) -> None:
        label = uuid4().hex
        left = await _leave(api, ledger, scenario, label, streams=streams, content=content)
        (call,) = await ledger.closed(label)
        took_s = call["ended"] - left
        print(f"{scenario}, {'stream' if streams else 'whole'}: closed {took_s:.2f} s after its client had gone")
        assert call["ending"] == "client_closed"
        assert GRACE_S - 0.2 < took_s <= WITHIN_S

    await each(check, LEAVES)


async def test_a_client_that_comes_back_in_time_keeps_its_answer(api: Api, ledger: Ledger) -> None:
    """Within the grace time a client can leave and come back as often as it likes."""
    label = uuid4().hex
    async with api.stream(body("text events=60 tps=20", label=label)) as stream:
        last = await stream.until(is_content)
    for _ in range(3):
        async with api.follow(stream.job_id, last.id) as again:
            last = await again.until(is_content)
    rest = await api.followed(stream.job_id, last.id)
    assert rest.events[-1].name == "message_stop"
    assert [call["ending"] for call in await ledger.calls(label)] == ["complete"]


async def test_one_of_two_listeners_may_leave(api: Api) -> None:
    """As long as anybody listens, an answer goes on."""
    async with api.stream(body("text events=70 tps=20")) as stream, api.follow(stream.job_id) as other:
        await other.until(is_content)
        await stream.response.aclose()
        assert (await other.rest())[-1].name == "message_stop"


async def test_a_queued_job_is_cancelled_when_its_client_leaves(narrow: Cluster, ledger: Ledger) -> None:
    """A job that still waits is cancelled within the grace time + 2 s, and the upstream is never called."""
    label = uuid4().hex
    async with Api(narrow.url) as api:
        blocker = await api.submit(body("text events=4000 tps=5"))
        async with api.stream(body("text", label=label)) as stream:
            assert (await anext(stream)).json["queue_position"] == 0
        left = monotonic()
        view = await api.ended(stream.job_id, within_s=WITHIN_S)
        print(f"queued: cancelled {monotonic() - left:.2f} s after its client had gone")
        assert (view["state"], view["error"]["code"]) == ("cancelled", "abandoned")
        await api.cancel(blocker)
    assert await ledger.calls(label) == []


async def test_a_detached_job_goes_on(api: Api, ledger: Ledger) -> None:
    """A job that was submitted without listening runs to its end, also when a follower has come and gone."""
    label = uuid4().hex
    job_id = await api.submit(body("text events=80 tps=20", label=label))
    async with api.follow(job_id) as stream:
        await stream.until(is_content)
    view = await api.ended(job_id)
    assert view["state"] == "done"
    assert view["message"]["stop_reason"] == "end_turn"
    (call,) = await ledger.calls(label)
    assert call["ending"] == "complete"
    assert call["ended"] - call["first_content"] > WITHIN_S


async def test_jobs_of_a_killed_gateway_are_cancelled(cluster: Cluster, ledger: Ledger) -> None:
    """When a gateway dies its attached jobs end within watch + grace + 2 s, whether or not anything comes."""
    gateway = await asyncio.to_thread(cluster.add_gateway)
    labels = [uuid4().hex for _ in ABANDONED]
    async with Api(gateway.url) as doomed:
        asked = zip(ABANDONED, labels, strict=True)
        calls = [
            asyncio.create_task(doomed.answer(body(scenario, stream=streams, label=label)))
            for (scenario, streams), label in asked
        ]
        await asyncio.gather(*map(ledger.called, labels))
        gateway.kill()
        died = monotonic()
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(outcome, httpx2.HTTPError) for outcome in outcomes)
    for label in labels:
        (call,) = await ledger.closed(label)
        print(f"{call['scenario']}: closed {call['ended'] - died:.2f} s after its gateway had died")
        assert call["ending"] == "client_closed"
        assert call["ended"] - died <= WATCH_S + GRACE_S + 2.0
