"""A queue worker with all that keeps it honest, around a job that the test controls.

Invariant: nothing here calls Claude; what the worker does in Redis is what a real one does.
Does not know: what is tested.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from streamlog.bell import Bell
from streamlog.claims import Claims
from streamlog.redis_link import connect
from streamlog.sweeper import Sweeper
from telemetry.sweeping import announce_swept
from tests.streamlog.world import World
from tests.support.facts import until
from worker.arq_worker import QueueWorker
from worker.running import Run, Running

_RUN_LIMIT_S = 60.0


class Jobs:
    """What the worker has begun and let go of. A job runs until `finish`, or fails with `failing`."""

    def __init__(self) -> None:
        self.begun: list[Run] = []
        self.over: list[tuple[int, str]] = []  # attempt, and returned, cancelled or raised
        self.most_at_once = 0
        self.failing: Exception | None = None
        self.at_once = False  # whether jobs return without being told
        self._now = 0
        self._finished: dict[int, asyncio.Event] = {}

    async def __call__(self, run: Run) -> None:
        self.begun.append(run)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        how = "raised"
        try:
            if self.failing is not None:
                raise self.failing
            if not self.at_once:
                await self._event(run.claim.attempt).wait()
            how = "returned"
        except asyncio.CancelledError:
            how = "cancelled"
            raise
        finally:
            self._now -= 1
            self.over.append((run.claim.attempt, how))

    def finish(self, run: Run) -> None:
        """Let this run return."""
        self._event(run.claim.attempt).set()

    def _event(self, attempt: int) -> asyncio.Event:
        return self._finished.setdefault(attempt, asyncio.Event())

    @property
    def ids(self) -> list[str]:
        """The job ids in the order in which they were begun."""
        return [run.claim.job_id for run in self.begun]


class Crew:
    """One worker in one world. `jobs` is what it runs."""

    def __init__(self, world: World, *, slots: int = 2, lease_s: float = 5.0, bell_s: float = 2.0) -> None:
        self.world = world
        self.jobs = Jobs()
        name = f"worker-{id(self):x}"
        claims = Claims(world.line, name, lease_s)
        self.running = Running(claims, lease_s)
        self.sweeper = Sweeper(claims, 0.05, lambda swept: announce_swept(swept.ended, len(swept.requeued)))
        self.bell = Bell(world.settings, world.keys, name)
        pool = connect(world.settings, most=2).connection_pool
        self.queue = QueueWorker(
            self.jobs, claims, self.running, self.bell, pool, world.keys.queue, slots, bell_s, _RUN_LIMIT_S
        )

    async def begun(self, number: int) -> list[Run]:
        """Wait until so many jobs have been begun in all."""
        await until(lambda: len(self.jobs.begun) >= number)
        return self.jobs.begun

    async def idle(self) -> None:
        """Wait until every slot is free again."""
        await until(lambda: not self.queue.tasks and not self.running.runs)


@asynccontextmanager
async def working(
    world: World, *, slots: int = 2, lease_s: float = 5.0, bell_s: float = 2.0, sweeps: bool = False
) -> AsyncIterator[Crew]:
    """A worker at work, with its renewals and its guard; with `sweeps` also the sweep that every worker does.

    None of its parts may end by itself.
    """
    crew = Crew(world, slots=slots, lease_s=lease_s, bell_s=bell_s)
    await crew.bell.start()
    parts: list[Coroutine[Any, Any, None]] = [
        crew.queue.run_until_stopped(),
        crew.running.renew_for_ever(),
        crew.running.guard_for_ever(),
    ]
    if sweeps:
        parts.append(crew.sweeper.sweep_for_ever())
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield crew
        assert not any(task.done() for task in tasks), "a part of the worker has ended"
    finally:
        for task in (*tasks, *crew.queue.tasks.values()):
            task.cancel()
        await asyncio.gather(*tasks, *crew.queue.tasks.values(), return_exceptions=True)
        await crew.bell.close()
