"""worker/main.py, as its users start it: its own pages, and its drain."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from simulator.choice import Pace
from simulator.server import Simulator
from streamlog.lifecycle import State
from tests.streamlog.world import World
from tests.support.facts import true
from tests.support.process import Process, end_all
from tests.support.valkey import Valkey
from tests.worker.runs import message


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """An upstream that answers at once unless a call asks for a pace."""
    async with Simulator(pace=Pace(0, 0)) as simulator:
        yield simulator


@pytest.fixture
def started(tmp_path: Path, world: World, simulator: Simulator) -> Iterator["Starter"]:
    """Starts workers of the test's deployment; whatever of them still runs at the end is killed."""
    starter = Starter(tmp_path, world, simulator.base_url)
    yield starter
    end_all(starter.processes)


class Starter:
    """Worker processes of one deployment."""

    def __init__(self, directory: Path, world: World, upstream_url: str) -> None:
        self._directory = directory
        self._base = {
            "REDIS_URL": world.settings.redis_url,
            "SLUICE_PREFIX": world.keys.prefix,
            "SLUICE_METRICS_PORT": 0,
            "ANTHROPIC_API_KEY": "upstream-secret",
            "ANTHROPIC_BASE_URL": upstream_url,
        }
        self.processes: list[Process] = []

    def __call__(self, **settings: object) -> Process:
        name = f"worker-{len(self.processes)}"
        self.processes.append(Process.python(name, "worker", self._base | settings, self._directory))
        return self.processes[-1]

    async def ready(self, **settings: object) -> Process:
        """A worker that takes jobs. The simulator runs in this loop, so it is waited for in a thread."""
        process = self(**settings)
        process.url = (await asyncio.to_thread(process.said, r"worker ready: .*metrics (http://[^\s'\"]+)"))[1]
        return process


async def spoken(world: World, job_id: str) -> None:
    """Wait until the job has content."""

    async def begun() -> bool:
        return (await world.record(job_id)).content_us > 0

    await true(begun)


async def test_a_drain_gives_back_what_is_silent_and_finishes_what_speaks(
    started: Starter, world: World, simulator: Simulator
) -> None:
    """The silent job waits again, its claim uncounted; the other is whole; exit code 0; the key is in no log."""
    worker = await started.ready(SLUICE_LOG_LEVEL="DEBUG")
    async with httpx2.AsyncClient(base_url=worker.url, trust_env=False) as pages:
        assert (await pages.get("/healthz")).status_code == 200
        ready = await pages.get("/readyz")
        assert (ready.status_code, ready.json()["slots"]) == (200, 200)
        assert "sluice_jobs_in_flight 0.0" in (await pages.get("/metrics")).text
        silent = await world.submit(message("stall before=content"))
        speaking = await world.submit(message("text events=30 tps=20"))
        await spoken(world, speaking)
        await true(lambda: _is(world, silent, State.RUNNING))
        worker.terminate()
        await true(lambda: _is(world, silent, State.QUEUED))
        draining = await pages.get("/readyz")
        assert (draining.status_code, draining.json()["draining"]) == (503, True)
    assert await world.state(speaking) is State.RUNNING
    assert await asyncio.to_thread(worker.exit_code, 15) == 0
    assert await world.state(speaking) is State.DONE
    assert await world.call("HGET", world.keys.record(silent), "claims") == b"0"
    assert [call.ending for call in simulator.ledger.newest(10) if call.path.startswith("/v1/messages")] == [
        "client_closed",
        "complete",
    ]
    assert "upstream-secret" not in worker.log
    assert "Traceback" not in worker.log


async def test_what_calls_itself_ready_is_ready(started: Starter, world: World) -> None:
    """Also when Redis is far away: /readyz agrees with the first line of the log."""
    socket_path = world.settings.redis_url.removeprefix("unix://")

    async def far_away(client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        reader, writer = await asyncio.open_unix_connection(socket_path)
        await asyncio.gather(_carry(client, writer, 0.0), _carry(reader, answers, 0.1))

    async with await asyncio.start_server(far_away, "127.0.0.1", 0) as server:
        worker = await started.ready(REDIS_URL=f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        async with httpx2.AsyncClient(base_url=worker.url, trust_env=False) as pages:
            assert (await pages.get("/readyz")).json()["ready"] is True
        worker.kill()


async def test_what_is_left_at_the_drains_end_ends_by_name(started: Starter, world: World, valkey: Valkey) -> None:
    """At its limit, or long before it at a second signal: nobody is left waiting for a lease to run out."""
    async with World(valkey.url) as other:
        patient, hurried = await asyncio.gather(
            started.ready(SLUICE_DRAIN_S=0.2),
            started.ready(SLUICE_DRAIN_S=300, SLUICE_PREFIX=other.keys.prefix),
        )
        jobs = [(home, await home.submit(message("stall after=4"))) for home in (world, other)]
        for home, job_id in jobs:
            await spoken(home, job_id)
        for worker in (patient, hurried):
            worker.terminate()
        await asyncio.to_thread(hurried.said, "draining: 1 jobs")
        hurried.terminate()
        for worker in (patient, hurried):
            assert await asyncio.to_thread(worker.exit_code, 10) == 0
        for home, job_id in jobs:
            record = await home.record(job_id)
            assert (record.state, record.code) == (State.FAILED, "worker_stopping")


async def _is(world: World, job_id: str, state: State) -> bool:
    return await world.state(job_id) is state


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter, later_s: float) -> None:
    """Each piece so much later, in order."""
    while piece := await source.read(65_536):
        await asyncio.sleep(later_s)
        target.write(piece)
    target.close()
