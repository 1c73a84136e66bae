"""What the gateway's tests share: a gateway with small times, and what the metrics did."""

from collections.abc import AsyncIterator

import pytest

from tests.gateway.house import House, open_house
from tests.support.series import Moved
from tests.support.valkey import Valkey


@pytest.fixture
async def house(valkey: Valkey) -> AsyncIterator[House]:
    """A gateway without jobs, that holds its heads for as long as any test needs."""
    async with open_house(valkey.url) as house:
        yield house


@pytest.fixture
async def brief(valkey: Valkey) -> AsyncIterator[House]:
    """A gateway whose hold is short."""
    async with open_house(valkey.url, hold_s=0.3) as house:
        yield house


@pytest.fixture
def moved(house: House) -> Moved:
    """What the metrics have done since the gateway stood."""
    return Moved()
