"""Every fault at its small size, with a fixed seed: what has to be reached is reached."""

from time import monotonic

import pytest

from tests.faults.faults import FAULTS, Fault
from tests.faults.run import Run
from tests.support.cluster import Ground

SEED = 1

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_fault(fault: Fault, ground: Ground) -> None:
    """The checker finds nothing, and every figure keeps its limit."""
    run = Run(fault.name, SEED, fault.small, ground)
    began = monotonic()
    await fault.inject(run)
    print(f"{run.told()} ({monotonic() - began:.1f} s)")
    assert run.failures == []
