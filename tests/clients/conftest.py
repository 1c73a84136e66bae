"""The targets of all clients, the runs of the drivers, and the table that a run of all of them leaves."""

import os
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients.page import write_table
from tests.clients.roster import Driver
from tests.clients.running import Ran, Targets, run
from tests.support.cluster import Cluster, Ground
from tests.support.process import Process, end_all

HEAVY = "heavy_clients"
_LOG_CHARACTERS = 4_000
_QUIET = ("--port", "0", "--first-token-ms", "0", "--tokens-per-second", "0")

Cells = dict[tuple[str, str], str]
_cells: Cells = {}


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    """A server, and the simulator that the gateways' workers ask."""
    ground = Ground()
    yield ground
    ground.close()


@pytest.fixture(scope="session")
def targets(ground: Ground) -> Iterator[Targets]:
    """A simulator of its own for direct calls; a gateway as it comes; one that is narrow, impatient and lively."""
    direct = Process.python("simulator-direct", "simulator", {}, ground.directory, *_QUIET)
    usual = Cluster(ground, SLUICE_GRACE_S=1, SLUICE_WATCH_S=2)
    narrow = Cluster(ground, SLUICE_SLOTS=1, SLUICE_HOLD_S=0.2, SLUICE_PING_S=0.2)
    try:
        with ThreadPoolExecutor(4) as pool:  # they start side by side
            starts = [pool.submit(start) for one in (usual, narrow) for start in (one.add_gateway, one.add_worker)]
            for start in starts:
                start.result()
        direct_url = direct.said(r"simulator: (http://\S+)")[1]
        yield Targets(direct_url, usual.url, narrow.url, ground.upstream_url)
    finally:
        usual.close()
        narrow.close()


@pytest.fixture(scope="session")
def ran(targets: Targets) -> Callable[[Driver], Ran]:
    """What came of a driver, which runs when it is asked for first."""
    known: dict[tuple[str, ...], Ran | Exception] = {}

    def of(driver: Driver) -> Ran:
        if driver.command not in known:
            try:
                known[driver.command] = run(driver, targets)
            except Exception as error:  # every case of this driver has failed, but it need not run again for each
                known[driver.command] = error
        found = known[driver.command]
        if isinstance(found, Exception):
            raise found
        return found

    return of


@pytest.fixture(scope="session")
def cells() -> Cells:
    """What the table will show, by client and case."""
    return _cells


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(f"log of {process.name}", process.log[-_LOG_CHARACTERS:]) for process in Process.living]
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Heavy clients run when they are asked for."""
    if HEAVY in config.option.markexpr:
        return
    heavy = [item for item in items if item.get_closest_marker(HEAVY)]
    if heavy:
        config.hook.pytest_deselected(items=heavy)
        items[:] = [item for item in items if item not in heavy]


def pytest_sessionfinish(exitstatus: int) -> None:
    """Nothing stays behind; the table is written by a run that asked for it and went well."""
    end_all(list(Process.living))
    if os.environ.get("SLUICE_CLIENTS_TABLE") and exitstatus == pytest.ExitCode.OK:
        write_table(_cells)
