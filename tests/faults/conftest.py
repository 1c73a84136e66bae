"""What the fault runs stand on: they begin with the first test of this directory, beside the tests of the harness."""

from collections.abc import Iterator

import pytest

from tests.faults.faults import FAULTS
from tests.faults.lanes import Lanes
from tests.support.cluster import Ground

SEED = 1


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "faults: real processes, real faults; `-m 'not faults'` leaves them out")


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    ground = Ground()
    yield ground
    ground.close()


@pytest.fixture(scope="session", autouse=True)
def lanes(request: pytest.FixtureRequest) -> Iterator[Lanes]:
    """The runs of all faults whose tests were selected."""
    selected = {item.name for item in request.session.items}
    lanes = Lanes([fault for fault in FAULTS if f"test_fault[{fault.name}]" in selected], SEED)
    yield lanes
    lanes.close()
