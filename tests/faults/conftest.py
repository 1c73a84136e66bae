"""What the fault runs stand on: one server and one simulator, for all faults that do not break those themselves."""

from collections.abc import Iterator

import pytest

from tests.support.cluster import Ground


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "faults: real processes, real faults; `-m 'not faults'` leaves them out")


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    ground = Ground()
    yield ground
    ground.close()
