"""What all acceptance tests stand on: one server, one simulator, one cluster for whatever kills nothing.

On a failure the logs of every process that still lives are part of the report.
"""

from collections.abc import AsyncIterator, Generator, Iterator

import pytest

from tests.support.api import Api
from tests.support.cluster import Cluster, Ground, started
from tests.support.ledger import Ledger
from tests.support.process import Process, end_all

_LOG_CHARACTERS = 4_000


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    """A server and a simulator that all tests share; keys of different clusters never meet."""
    ground = Ground()
    yield ground
    ground.close()


@pytest.fixture(scope="session")
def shared(ground: Ground) -> Iterator[Cluster]:
    """Two workers and a gateway, as they come, for tests that kill nothing."""
    with started(ground, workers=2) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def narrow(ground: Ground) -> Iterator[Cluster]:
    """One slot, so that a second job waits, and short times: for the head, the upstream's silence, absent clients."""
    with started(
        ground,
        SLUICE_SLOTS=1,
        SLUICE_HOLD_S=0.2,
        SLUICE_PING_S=0.3,
        SLUICE_UPSTREAM_IDLE_S=1,
        SLUICE_GRACE_S=1,
        SLUICE_WATCH_S=2,
    ) as cluster:
        yield cluster


@pytest.fixture
async def api(shared: Cluster) -> AsyncIterator[Api]:
    """A client of the shared cluster."""
    async with Api(shared.url) as api:
        yield api


@pytest.fixture
async def direct(ground: Ground) -> AsyncIterator[Api]:
    """A client of the simulator itself, without anything in between."""
    async with Api(ground.upstream_url) as api:
        yield api


@pytest.fixture
def ledger(direct: Api) -> Ledger:
    return Ledger(direct)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(f"log of {process.name}", process.log[-_LOG_CHARACTERS:]) for process in Process.living]
    return report


def pytest_sessionfinish() -> None:
    """Also after a fixture that failed: nothing stays behind."""
    end_all(list(Process.living))
