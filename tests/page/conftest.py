"""What the page's tests share."""

from collections.abc import AsyncIterator

import pytest

from tests.gateway.house import House, open_house
from tests.support.valkey import Valkey


@pytest.fixture
async def house(valkey: Valkey) -> AsyncIterator[House]:
    """A gateway without jobs."""
    async with open_house(valkey.url) as house:
        yield house
