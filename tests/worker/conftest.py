"""What the worker's tests share: a deployment of its own for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.streamlog.world import World
from tests.support.series import Moved
from tests.support.valkey import Valkey


@pytest.fixture
async def world(valkey: Valkey) -> AsyncIterator[World]:
    """A deployment without jobs."""
    async with World(valkey.url) as world:
        yield world


@pytest.fixture
def moved() -> Moved:
    """What the metrics have done since the test began."""
    return Moved()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backoff of milliseconds."""
    monkeypatch.setattr("worker.retries._FIRST_S", 0.01)
    monkeypatch.setattr("worker.retries._LATER_S", 0.01)
