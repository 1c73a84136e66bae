"""Every law, held against a real server and a fake one."""

import pytest

from tests.streamlog.fake import Fake
from tests.streamlog.laws import LAWS
from tests.streamlog.world import World


@pytest.mark.parametrize("name", LAWS)
async def test_real(name: str, world: World) -> None:
    """The law holds on a real server."""
    await LAWS[name].check(world)


@pytest.mark.parametrize("name", LAWS)
async def test_fake(name: str, fake: Fake) -> None:
    """The law holds on a fake server, where that has what the law needs."""
    if LAWS[name].lacks:
        pytest.skip(LAWS[name].lacks)
    async with World(fake.url) as world:
        await LAWS[name].check(world)
