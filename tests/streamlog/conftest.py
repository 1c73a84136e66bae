"""Worlds to test in: on a real server, and on a fake one where it can."""

from collections.abc import AsyncIterator, Iterator

import pytest

pytest.register_assert_rewrite("tests.streamlog.laws")

from tests.streamlog.fake import Fake  # noqa: E402  # only now are the laws' asserts told in full
from tests.streamlog.following import Reader  # noqa: E402  # the same
from tests.streamlog.world import World  # noqa: E402  # the same
from tests.support.valkey import Valkey  # noqa: E402  # the same


@pytest.fixture(scope="session")
def fake() -> Iterator[Fake]:
    """One fake server for all tests."""
    server = Fake()
    yield server
    server.close()


@pytest.fixture
async def world(valkey: Valkey) -> AsyncIterator[World]:
    """A world on the real server."""
    async with World(valkey.url) as world:
        yield world


@pytest.fixture
def private() -> Iterator[Valkey]:
    """A real server that may be frozen and killed."""
    server = Valkey()
    yield server
    server.close()


@pytest.fixture(params=[None, lambda number: number % 3 != 2], ids=["returned", "poured"])
def pouring(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers take live frames as they are returned, or pour two of three offers and are returned the third."""
    monkeypatch.setattr(Reader, "takes", request.param and staticmethod(request.param))
