"""What a job leaves behind in a worker: nothing that only the collector could free."""

import gc
import weakref
from collections.abc import Iterator
from functools import partial

import pytest

from streamlog.writer import Writer
from tests.streamlog.world import World
from tests.worker.crew import working


@pytest.fixture
def uncollected() -> Iterator[None]:
    """The collector does nothing meanwhile."""
    gc.disable()
    yield
    gc.enable()


async def test_a_job_that_is_over_holds_nothing(world: World, uncollected: None) -> None:
    """Neither its task nor its writer, though the writer asks the run that holds it."""
    async with working(world) as crew:
        await world.submit()
        (run,) = await crew.begun(1)
        run.writer = Writer(world.line, run.claim.job_id, run.claim.attempt, partial(crew.running.sure, run))
        assert run.task is not None
        held = weakref.ref(run.writer), weakref.ref(run.task)
        crew.jobs.finish(run)
        await crew.idle()
        assert [ref() for ref in held] == [None, None]
