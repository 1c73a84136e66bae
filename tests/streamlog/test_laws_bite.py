"""The laws notice when a line of a script is broken."""

import pytest

from streamlog.errors import SluiceError
from streamlog.writer import Refused
from tests.streamlog.breaks import BREAKS
from tests.streamlog.breaks.book import Break
from tests.streamlog.laws import LAWS
from tests.streamlog.world import World
from tests.support.valkey import Valkey

# A broken promise shows as one of these; a script that does not run at all would prove nothing.
NOTICED = (AssertionError, TypeError, ValueError, SluiceError, Refused, pytest.fail.Exception)


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: f"{broken.script}: {broken.line[:40]}: {broken.law}")
async def test_a_broken_line_is_noticed(broken: Break, valkey: Valkey) -> None:
    """With this line broken, that law fails."""
    async with World(valkey.url, scripts=broken.scripts(), timeout_s=1.0) as world:
        with pytest.raises(NOTICED):
            await LAWS[broken.law].check(world)


def test_every_law_has_a_line_that_it_notices() -> None:
    """No law is only words."""
    assert set(LAWS) == {broken.law for broken in BREAKS}
