"""`sluice up` while it runs: everything started, watched, and stopped in order.

Invariant: it ends by a signal (0) or because something cannot be had (1), and in both cases everything that it started
has ended before: first what serves, then the upstream, the store last.
Does not know: what the commands are; the plan does.
"""

import asyncio
import signal
from collections.abc import Callable, Iterable

from cli.command import CannotGoOn, Command, Stage
from cli.embedded_redis import wait_for_answer
from cli.leash_holder import LeashHolder
from cli.plan import Plan
from cli.processes import Child, Relay, Say
from cli.ready import wait_until_ready

_GIVEN_ANSWERS_S = 2.0
_LOADED_S = 120.0
_READY_S = 60.0
_AFTER_DRAIN_S = 3.0


class Stop:
    """Asked for once: stop in order. Asked for again by somebody: stop at once."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.at_once = asyncio.Event()

    def ask(self) -> None:
        """Somebody wants it to stop."""
        (self.at_once if self.asked.is_set() else self.asked).set()

    def nobody_there(self) -> None:
        """The terminal or the reader has left. One event may tell so twice, so it never means: at once."""
        self.asked.set()

    def on_signals(self) -> None:
        """Let the signals speak: SIGINT and SIGTERM ask, SIGHUP says that nobody is there."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.ask)
        loop.add_signal_handler(signal.SIGHUP, self.nobody_there)


class Supervisor:
    """The children of one `sluice up`."""

    def __init__(self, leash: LeashHolder, relay: Relay, say: Say) -> None:
        self._leash = leash
        self._relay = relay
        self._say = say
        self._running: dict[Child, asyncio.Task[None]] = {}
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, commands: Iterable[Command]) -> None:
        """Start children; `failed` gets the CannotGoOn of the first that is given up."""
        for command in commands:
            child = Child(command, self._leash, self._relay, self._say)
            self._running[child] = asyncio.create_task(child.keep_running())
            self._running[child].add_done_callback(self._ended)

    async def stop(self, limit_s: float) -> None:
        """Stop stage after stage; SIGKILL for what is still there `limit_s` after its SIGTERM."""
        for stage in Stage:
            children = [child for child in self._running if child.command.stage is stage]
            await self._each(children, Child.terminate, limit_s)
            await self._each(children, Child.kill, limit_s)

    def kill(self) -> None:
        """SIGKILL for all."""
        for child in self._running:
            child.kill()

    async def _each(self, children: Iterable[Child], end: Callable[[Child], None], limit_s: float) -> None:
        left = [child for child in children if not self._running[child].done()]
        for child in left:
            end(child)
        if left:
            await asyncio.wait([self._running[child] for child in left], timeout=limit_s)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or self.failed.done():
            return
        if (error := task.exception()) is not None:
            self.failed.set_exception(error)
            self.failed.exception()  # seen: while stopping nobody asks any more


async def supervise(plan: Plan, stop: Stop, relay: Relay, say: Say, announce: Callable[[], None]) -> int:
    """Run the plan until `stop` is asked for; `announce` is called when all is ready. Returns the exit code."""
    async with LeashHolder() as leash:
        supervisor = Supervisor(leash, relay, say)
        opening = asyncio.create_task(_open(plan, supervisor, announce))
        try:
            why = await _until_over(opening, supervisor.failed, stop.asked)
            say(f"{why} Stopping everything." if why else "stopping (Ctrl-C again: at once)")
        finally:
            opening.cancel()
            await _stop(supervisor, plan.drain_s + _AFTER_DRAIN_S, stop.at_once)
        say("stopped")
    return 1 if why else 0


async def _open(plan: Plan, supervisor: Supervisor, announce: Callable[[], None]) -> None:
    if plan.store.command is not None:
        supervisor.start((plan.store.command,))
    await wait_for_answer(plan.store.url, _LOADED_S if plan.store.command else _GIVEN_ANSWERS_S)
    supervisor.start(plan.commands)
    await wait_until_ready(plan.ready, _READY_S)
    announce()


async def _until_over(
    opening: asyncio.Task[None], failed: asyncio.Future[None], asked: asyncio.Event
) -> CannotGoOn | None:
    """Wait for the end; returns why, or None if it was asked for."""
    ends: list[asyncio.Future[None]] = [failed, asyncio.ensure_future(_wait(asked))]
    await asyncio.wait((opening, *ends), return_when=asyncio.FIRST_COMPLETED)
    if opening.done() and opening.exception() is None:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for ended in (failed, opening):
        error = ended.exception() if ended.done() else None
        if isinstance(error, CannotGoOn):
            return error
        if error is not None:
            raise error
    return None


async def _stop(supervisor: Supervisor, limit_s: float, at_once: asyncio.Event) -> None:
    stopping = asyncio.create_task(supervisor.stop(limit_s))
    hurry = asyncio.create_task(_wait(at_once))
    await asyncio.wait((stopping, hurry), return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        supervisor.kill()
    await stopping
    hurry.cancel()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()
