"""What a job leaves behind in a worker: nothing that only the collector could free."""

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Iterator
from functools import partial

import pytest

from streamlog.writer import Writer
from tests.streamlog.world import World
from tests.support.facts import true
from tests.support.garbage import garbage_of
from tests.worker.crew import working
from tests.worker.runs import Runner, message, simulated


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


@pytest.mark.parametrize("scenario", ["text", "cut after=5", "garbled", "error status=400", "stall after=4"])
async def test_a_call_leaves_nothing_to_the_collector(world: World, scenario: str) -> None:
    """However it ends: whole, cut off, as no stream, refused, or stopped in the middle."""
    async with simulated(world) as runner:
        await _called(world, runner, scenario)
        with garbage_of("worker", "streamlog", "anthropic", "httpx2") as garbage:
            await _called(world, runner, scenario)
            await _called(world, runner, scenario)
    assert not garbage


async def _called(world: World, runner: Runner, scenario: str) -> None:
    claim, writer = await runner.claimed(message(scenario))
    call = asyncio.create_task(runner.go(claim, writer))
    if scenario.startswith("stall"):

        async def begun() -> bool:
            return (await world.record(claim.job_id)).content_us > 0

        await true(begun)
        call.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await call
