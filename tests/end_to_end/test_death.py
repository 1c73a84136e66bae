"""Workers and gateways that die, freeze or are told to stop: every client gets an ending, none sees two answers.

A lease of 1 s stands for the usual 5. Each test has a victim, which gets every job, and an heir, which is frozen until
the victim's turn has come.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from time import monotonic
from uuid import uuid4

import pytest

from tests.support.api import Api, Stream, body, is_content
from tests.support.asked import Asked
from tests.support.cluster import Cluster, Ground
from tests.support.facts import true
from tests.support.ledger import Ledger
from tests.support.process import Process
from tests.support.sse import frames, joined

LEASE_S = 1.0
WITHIN_S = LEASE_S + 1.0
DRAIN_S = 3.0
SILENT = "slow-first-token ms=1500 events=10"
LONG = "text events=4000 tps=50"
STALLED = "stall after=8"


@pytest.fixture(scope="module")
def cluster(ground: Ground) -> Iterator[Cluster]:
    cluster = Cluster(ground, SLUICE_LEASE_S=LEASE_S, SLUICE_DRAIN_S=DRAIN_S)
    try:
        cluster.add_gateway()
        yield cluster
    finally:
        cluster.close()


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    async with Api(cluster.url) as api:
        yield api


@pytest.fixture
async def pair(cluster: Cluster) -> AsyncIterator[tuple[Process, Process]]:
    """The victim and the heir, which is frozen."""
    await asyncio.to_thread(cluster.add_workers, 2 - len(cluster.living_workers))
    victim, heir = cluster.living_workers
    heir.pause()
    yield victim, heir
    for worker in cluster.living_workers:  # also after a test that failed
        worker.wake()


async def _answer_is_whole(stream: Stream, direct: Api, deltas: int = 10) -> None:
    """It is the one answer that a direct call gets, in one attempt, from frame 1 on without a gap."""
    plain = await direct.answer(body(f"text events={deltas}"))
    assert [event.number for event in frames(stream.events)] == list(range(1, len(frames(stream.events)) + 1))
    assert len({event.id.rpartition("-")[0] for event in frames(stream.events)}) == 1
    said, wanted = ([event.data for event in told.events if is_content(event)] for told in (stream, plain))
    assert said == wanted
    assert stream.events[-1].name == "message_stop"


async def test_kill_before_content_is_unseen(
    api: Api, direct: Api, ledger: Ledger, pair: tuple[Process, Process]
) -> None:
    """A killed worker's jobs without content are claimed again within lease + 1 s, unseen by their clients."""
    victim, heir = pair
    streams = [Asked(api, SILENT) for _ in range(5)]
    label = uuid4().hex
    whole = asyncio.create_task(api.send("POST", "/v1/messages", json=body(SILENT, stream=False, label=label)))
    labels = [label, *(asked.label for asked in streams)]
    await asyncio.gather(*map(ledger.called, labels))
    heir.wake()
    victim.kill()
    killed = monotonic()
    for asked in streams:
        await _answer_is_whole((await asked.ended())[0], direct)
    assert (await whole).json()["stop_reason"] == "end_turn"
    for label in labels:
        first, second = await ledger.calls(label)
        assert (first["ending"], second["ending"]) == ("client_closed", "complete")
        assert 0 < second["started"] - killed <= WITHIN_S
    print(f"claimed again {second['started'] - killed:.2f} s after the kill")


async def test_kill_after_content_is_a_named_error(api: Api, ledger: Ledger, pair: tuple[Process, Process]) -> None:
    """A killed worker's jobs with content end with `worker_lost` within lease + 1 s; no second call is made."""
    victim, heir = pair
    streams = [Asked(api, LONG) for _ in range(5)]
    await asyncio.gather(*(asked.begun() for asked in streams))
    heir.wake()
    victim.kill()
    killed = monotonic()
    for asked in streams:
        stream, ended = await asked.ended()
        assert stream.events[-1].error_code == "worker_lost"
        assert ended - killed <= WITHIN_S
        assert (await api.view(stream.job_id))["state"] == "failed"
        assert len(await ledger.calls(asked.label)) == 1
    print(f"ended by name {ended - killed:.2f} s after the kill")


async def test_a_worker_that_slept_past_its_lease(
    api: Api, direct: Api, ledger: Ledger, pair: tuple[Process, Process]
) -> None:
    """A frozen worker's jobs are dealt with like a dead one's; when it wakes it adds nothing and closes its calls."""
    victim, heir = pair
    running, stalled, cancelled, silent = (Asked(api, scenario) for scenario in (LONG, STALLED, LONG, SILENT))
    await asyncio.gather(*(asked.begun() for asked in (running, stalled, cancelled)), ledger.called(silent.label))
    victim.pause()
    paused = monotonic()
    heir.wake()
    await api.cancel(cancelled.stream.job_id)
    for asked in (running, stalled):
        lost, ended = await asked.ended()
        assert lost.events[-1].error_code == "worker_lost"
        assert ended - paused <= WITHIN_S
    assert (await cancelled.ended())[0].events[-1].error_code == "cancelled"
    await _answer_is_whole((await silent.ended())[0], direct)

    victim.wake()
    await _calls_are_closed(ledger, running, stalled, cancelled)
    await true(lambda: _takes_jobs(direct, victim))
    for asked in (running, stalled, cancelled, silent):
        await _log_is_what_was_sent(api, asked)


async def _calls_are_closed(ledger: Ledger, *those: Asked) -> None:
    """The worker that has just been woken closes its upstream calls within 2 s."""
    woke = monotonic()
    for asked in those:
        (call,) = await ledger.closed(asked.label)
        assert call["ending"] == "client_closed"
        assert call["ended"] - woke <= 2.0


async def _log_is_what_was_sent(api: Api, asked: Asked) -> None:
    """Nothing was added behind the ending that the client saw."""
    stream, _ = await asked.ended()
    assert joined((await api.followed(stream.job_id)).events) == joined(stream.events)


async def _takes_jobs(direct: Api, worker: Process) -> bool:
    state = (await direct.send("GET", f"{worker.url}/readyz")).json()
    return bool(state["ready"] and state["running"] == 0)


async def test_a_worker_that_slept_through_a_cancel(api: Api, ledger: Ledger, pair: tuple[Process, Process]) -> None:
    """A worker that wakes while its lease still holds cannot add to jobs that were cancelled meanwhile."""
    victim, _ = pair
    running, stalled = Asked(api, LONG), Asked(api, STALLED)
    await asyncio.gather(running.begun(), stalled.begun())
    victim.pause()
    for asked in (running, stalled):
        await api.cancel(asked.stream.job_id)
        assert (await asked.ended())[0].events[-1].error_code == "cancelled"
    victim.wake()
    await _calls_are_closed(ledger, running, stalled)
    for asked in (running, stalled):
        await _log_is_what_was_sent(api, asked)


async def test_sigterm_of_a_worker(api: Api, direct: Api, ledger: Ledger, pair: tuple[Process, Process]) -> None:
    """A drain gives back at once what has no content, lets the rest finish within the limit, and ends it by name."""
    victim, heir = pair
    silent, short, long = Asked(api, SILENT), Asked(api, "text events=40 tps=20"), Asked(api, LONG)
    await asyncio.gather(short.begun(), long.begun(), ledger.called(silent.label))
    heir.wake()
    victim.terminate()
    told = monotonic()
    await _answer_is_whole((await silent.ended())[0], direct)
    given_back = (await ledger.calls(silent.label))[1]
    assert given_back["started"] - told < 1.0
    await _answer_is_whole((await short.ended())[0], direct, deltas=40)
    stream, ended = await long.ended()
    assert stream.events[-1].error_code == "worker_stopping"
    assert abs(ended - told - DRAIN_S) < 1.0
    assert await asyncio.to_thread(victim.exit_code, 5.0) == 0
    assert [len(await ledger.calls(asked.label)) for asked in (silent, short, long)] == [2, 1, 1]


async def test_sigterm_of_a_gateway(cluster: Cluster, pair: tuple[Process, Process]) -> None:
    """A gateway that stops lets open answers finish within the limit and ends the others with an error, not a cut."""
    gateway = await asyncio.to_thread(cluster.add_gateway)
    async with Api(gateway.url) as api, Api(cluster.url) as elsewhere:
        short, long = Asked(api, "text events=40 tps=20"), Asked(api, LONG)
        await asyncio.gather(short.begun(), long.begun())
        follower = asyncio.create_task(api.followed(long.stream.job_id))
        gateway.terminate()
        assert (await short.ended())[0].events[-1].name == "message_stop"
        stream, _ = await long.ended()
        assert stream.events[-1].error_code == "draining"
        last = frames((await follower).events)[-1]
        async with elsewhere.follow(stream.job_id, last.id) as again:
            assert (await again.until(lambda event: bool(event.id))).number == last.number + 1
        await elsewhere.cancel(stream.job_id)
        assert await asyncio.to_thread(gateway.exit_code, 5.0) == 0
