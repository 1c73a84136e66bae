"""Every fault at its small size, with a fixed seed: what has to be reached is reached."""

import pytest

from tests.faults.faults import FAULTS, Fault
from tests.faults.lanes import Lanes

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(fault: Fault, lanes: Lanes) -> None:
    """The checker finds nothing, and every figure keeps its limit."""
    run = lanes.run_of(fault)
    print(run.told())
    if run.failures:
        print(run.logs)
    assert not run.failures, "\n".join(run.failures)
