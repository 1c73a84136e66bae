"""Runs beside one another: most of a run is waiting, so two share the cores well; each has processes of its own.

Invariant: a run that raises is a run that has failed, with what was raised as a breach; runs begin in their order.
Does not know: what is injected.
"""

import asyncio
import gc
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures import Future
from time import monotonic

from tests.faults.faults import Fault
from tests.faults.run import Run, Size

LANES = 2


async def run_one(fault: Fault, seed: int, size: Size) -> Run:
    """Inject one fault, and print what came of it. Raises nothing: what goes wrong is a breach."""
    run = Run(fault.name, seed, size)
    began = monotonic()
    try:
        await fault.inject(run)
    except Exception as error:
        run.breaches += [f"{type(error).__name__}: {error}", traceback.format_exc(limit=-3)]
    run.took_s = monotonic() - began
    return run


class Lanes:
    """Begins all runs at once, `LANES` at a time, in a thread of its own."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._faults = faults
        self._seed = seed
        self._runs: dict[str, Future[Run]] = {fault.name: Future() for fault in faults}
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="lanes", daemon=True)
        gc.disable()  # a collection here would be seen as a delay of what is measured
        self._thread.start()

    def run_of(self, fault: Fault) -> Run:
        """Wait for the run of this fault."""
        return self._runs[fault.name].result()

    def close(self) -> None:
        """End what still runs."""
        if self._task is not None and not all(run.done() for run in self._runs.values()):
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
        self._thread.join(30.0)
        gc.enable()

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except BaseException as error:
            for run in self._runs.values():
                if not run.done():
                    run.set_exception(error)

    async def _work(self) -> None:
        self._task = asyncio.current_task()
        faults = iter(self._faults)

        async def lane() -> None:
            for fault in faults:
                self._runs[fault.name].set_result(await run_one(fault, self._seed, fault.small))

        await asyncio.gather(*(lane() for _ in range(LANES)))
