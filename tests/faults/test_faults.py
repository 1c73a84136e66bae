"""Every fault at its small size, with a fixed seed: what has to be reached is reached."""

from collections.abc import Iterator

import pytest

from tests.faults.faults import FAULTS, Fault
from tests.faults.lanes import Lanes

SEED = 1

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def lanes(request: pytest.FixtureRequest) -> Iterator[Lanes]:
    """The runs of all tests that were selected."""
    selected = {item.name for item in request.session.items}
    lanes = Lanes([fault for fault in FAULTS if f"test_fault[{fault.name}]" in selected], SEED)
    yield lanes
    lanes.close()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(fault: Fault, lanes: Lanes) -> None:
    """The checker finds nothing, and every figure keeps its limit."""
    run = lanes.run_of(fault)
    print(run.told())
    if run.failures:
        print(run.logs)
    assert not run.failures, "\n".join(run.failures)
