"""What the tests of several rooms stand on."""

from collections.abc import Iterator

import pytest

from tests.support.valkey import Valkey


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """One real server for all tests that neither freeze nor kill it; a key prefix of its own isolates each."""
    server = Valkey()
    yield server
    server.close()
