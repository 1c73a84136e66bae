"""A Redis that comes back without the tail of its log: an older append-only file put in its place while it is down.

The jobs that it hit end with `stream_lost`, the others go on, and no position is ever answered from another answer.
A lease of 4 s is long enough for the outage and short enough to see what happens when it runs out.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.api import Api, body, is_content
from tests.support.asked import Asked
from tests.support.cluster import Cluster, Ground, started
from tests.support.facts import true
from tests.support.ledger import Ledger
from tests.support.sse import Event, frames, joined

LEASE_S = 4.0
LONG = "text events=4000 tps=50"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One worker with five slots, on a server that keeps an append-only file."""
    with closing(Ground(persistent=True)) as ground, started(ground, SLUICE_LEASE_S=LEASE_S, SLUICE_SLOTS=5) as cluster:
        yield cluster


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    async with Api(cluster.url) as api:
        yield api


@pytest.fixture
async def direct(cluster: Cluster) -> AsyncIterator[Api]:
    async with Api(cluster.ground.upstream_url) as direct:
        yield direct


class Told:
    """Everything that any client was ever told, by position."""

    def __init__(self) -> None:
        self._frames: dict[str, bytes] = {}

    def add(self, events: list[Event]) -> None:
        for event in frames(events):
            assert self._frames.setdefault(event.id, event.raw) == event.raw, f"two answers at {event.id}"


class Jobs:
    """What runs, and what waits, when the older file is put aside. Five of them fill the worker's slots."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.hit = Asked(api, LONG)
        self.begins_later = Asked(api, f"{LONG} first-token-ms=500")
        self.ends_later = Asked(api, "text events=20 first-token-ms=500")
        self.silent = Asked(api, "slow-first-token ms=3000 events=10")
        self.slow = Asked(api, "text events=2 tps=0.4")

    async def have_begun(self, ledger: Ledger) -> None:
        """Until each stands where the older file is to find it."""
        await asyncio.gather(self.hit.begun(), self.slow.begun())
        calls = (self.begins_later, self.ends_later, self.silent)
        await asyncio.gather(*(ledger.called(asked.label) for asked in calls))
        self.starts_later = Asked(self._api, "text events=20")

        async def waits() -> bool:
            ready = await self._api.send("GET", "/readyz")
            return bool(ready.json()["queued"] == 1)

        await true(waits)

    async def have_gone_on(self) -> None:
        """Until each has done what the older file does not know."""
        await asyncio.gather(self.begins_later.begun(), self.ends_later.ended(), self.starts_later.ended())
        self.unknown = Asked(self._api, LONG)
        await self.unknown.begun()


async def test_a_lost_tail(cluster: Cluster, api: Api, direct: Api, ledger: Ledger, tmp_path: Path) -> None:
    """Jobs whose frames were lost end with `stream_lost`; jobs that lost nothing end as if nothing had been."""
    server, older = cluster.ground.server, tmp_path / "older"
    early = await api.answer(body("text events=20"))
    jobs = Jobs(api)
    await jobs.have_begun(ledger)
    shutil.copytree(server.data, older)
    await jobs.have_gone_on()
    server.kill()
    shutil.rmtree(server.data)
    shutil.move(older, server.data)
    await asyncio.to_thread(server.start)

    for asked in (jobs.hit, jobs.begins_later):
        await _is_lost(asked, ledger)
        view = await api.ended(asked.stream.job_id)
        assert (view["state"], view["error"]["code"]) == ("failed", "stream_lost")
    await _is_lost(jobs.unknown, ledger)
    assert (await api.send("GET", f"/v1/jobs/{jobs.unknown.stream.job_id}")).status_code == 404

    await _is_whole(jobs.silent, 10, direct, ledger)
    await _is_whole(jobs.slow, 2, direct, ledger)
    assert joined((await api.followed(early.job_id)).events) == joined(early.events)

    told = Told()
    for asked in (jobs.ends_later, jobs.starts_later):  # by the older file they have not ended: they run again
        await ledger.closed(asked.label, times=2, within_s=LEASE_S + 4.0)
    for asked in (jobs.hit, jobs.begins_later, jobs.ends_later, jobs.starts_later):
        told.add(asked.stream.events)
        await _positions_are_honest(api, asked, told)


async def _is_lost(asked: Asked, ledger: Ledger) -> None:
    """Its open stream says so within 5 s, and nobody pays on for it."""
    stream, _ = await asked.ended(within_s=5.0)
    assert stream.events[-1].error_code == "stream_lost"
    assert (await ledger.closed(asked.label, within_s=5.0))[0]["ending"] == "client_closed"


async def _is_whole(asked: Asked, deltas: int, direct: Api, ledger: Ledger) -> None:
    """It is what a direct call gets, from one call upstream."""
    stream, _ = await asked.ended()
    plain = await direct.answer(body(f"text events={deltas}"))
    said, wanted = ([event.data for event in answer.events if is_content(event)] for answer in (stream, plain))
    assert said == wanted
    assert stream.events[-1].name == "message_stop"
    assert len(await ledger.calls(asked.label)) == 1


async def _positions_are_honest(api: Api, asked: Asked, told: Told) -> None:
    """From any position that a client ever had it gets what follows there, or at once that the stream is lost."""
    lost = 0
    for event in frames(asked.stream.events):
        again = await api.followed(asked.stream.job_id, event.id)
        told.add(again.events)
        errors = [answer.error_code for answer in again.events if answer.name == "error"]
        assert (again.response.status_code, errors) == (200, ["stream_lost"])
        lost += len(again.events) == 1
    assert lost, "no position was lost: the tail was not"
