"""What all tests share: a real server, their order, and that in continuous integration no tool may be missing."""

import os
import signal
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]  # the package says no types

from tests.support.side_by_side import RoomScheduling, arrange
from tests.support.valkey import Valkey

_NEEDS = "Skipped: needs "

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def pytest_configure() -> None:
    """What tests start can be stopped by Ctrl-C: a shell's background jobs ignore it, and so do their children."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With SLUICE_CI set, a test that is skipped since it "needs …" has failed."""
    return _judged((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a whole file."""
    return _judged((yield))


def _judged(report: Report) -> Report:
    # A skip is reported as its file, line and reason.
    reason = str(report.longrepr[2]) if report.skipped and isinstance(report.longrepr, tuple) else ""
    if reason.startswith(_NEEDS) and os.environ.get("SLUICE_CI"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: {reason}, and with SLUICE_CI set it has to be there"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Rooms that take long begin first."""
    arrange(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> RoomScheduling:
    """With `-n 2`, as in `make test`, whole rooms run beside one another."""
    return RoomScheduling(config, log)


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """One real server for all tests that neither freeze nor kill it; a key prefix of its own isolates each."""
    server = Valkey()
    yield server
    server.close()
