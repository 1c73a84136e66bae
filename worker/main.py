"""One worker process: wires the parts, runs them, and drains on SIGTERM.

Invariant: it is ready only after Redis answered and the upstream's client is warm; a drain gives back what has no
content, lets the rest finish within the limit, and ends what remains by name. Nothing decides anything here.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from typing import NoReturn

import uvicorn
import uvloop

from streamlog.bell import Bell
from streamlog.claims import Claims, Swept
from streamlog.keys import Keys, Lane
from streamlog.lifecycle import State
from streamlog.line import Line
from streamlog.log import StreamLog
from streamlog.redis_link import LINK_ERRORS, connect
from streamlog.scripts import Scripts
from streamlog.server import UnsuitableServer, check_server
from streamlog.settings import JobSettings, RedisSettings, from_environment
from streamlog.sweeper import Sweeper
from streamlog.writer import Writer
from telemetry import logs
from telemetry.collector import collect_rarely
from telemetry.exposition import observe_app
from telemetry.sweeping import announce_swept
from worker.arq_worker import QueueWorker
from worker.generate import end_by_name, generate
from worker.pace import Pace
from worker.running import Run, Running
from worker.settings import WorkerSettings
from worker.upstream import NoCredentials, Upstream

_log = logging.getLogger("sluice.worker")


class WorkerProcess:
    """The parts of one worker and how they hang together."""

    def __init__(self, redis: RedisSettings, jobs: JobSettings, settings: WorkerSettings) -> None:
        keys = Keys(redis.prefix)
        name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self.settings = settings
        self.run_limit_s = jobs.run_limit_s
        self.line = Line(redis, Scripts(keys))
        self.log = StreamLog(self.line, keys, jobs)
        claims = Claims(self.line, name, settings.lease_s)
        self.running = Running(claims, settings.lease_s)
        self.sweeper = Sweeper(claims, settings.sweep_s, self._swept)
        self.pace = Pace(settings.reads_per_s, on_beat=self.line.gather)
        self.fleet_runs = 0  # jobs that all workers ran at the last sweep
        self.upstream = Upstream(
            connections=settings.slots + settings.light_slots,
            connect_s=settings.upstream_connect_s,
            idle_s=settings.upstream_idle_s,
            run_limit_s=jobs.run_limit_s,
            pace=self.pace,
        )
        self.bells = {lane: Bell(redis, keys, name, lane) for lane in Lane}
        slots = {Lane.WORK: settings.slots, Lane.LIGHT: settings.light_slots}
        pool = connect(redis, most=2).connection_pool
        self.queues = [
            QueueWorker(
                self._job, claims, self.running, bell, pool, keys.queue + lane, slots[lane], settings.bell_s,
                jobs.run_limit_s,
            )
            for lane, bell in self.bells.items()
        ]  # fmt: skip
        self.warm = False
        self.draining = False

    def _swept(self, swept: Swept) -> None:
        announce_swept(swept.ended, len(swept.requeued))
        self.fleet_runs = swept.running
        self._share_the_pace()

    def _share_the_pace(self) -> None:
        self.pace.share(len(self.running.runs), self.fleet_runs)

    async def _job(self, run: Run) -> None:
        self._share_the_pace()
        writer = run.writer = Writer(self.line, run.claim.job_id, run.claim.attempt, lambda: self.running.sure(run))
        await generate(self.log, self.upstream, self.settings, run.claim, writer, self.run_limit_s)

    def state(self) -> dict[str, object]:
        """What /readyz tells."""
        # Some sweeps have gone unanswered: a Redis that is frozen keeps its connections.
        frozen = self.sweeper.idle_s > 2 * self.settings.sweep_s + 1
        ready = self.warm and not self.draining and self.line.connected and not frozen
        return {
            "ready": ready,
            "redis": self.line.connected,
            "draining": self.draining,
            "running": len(self.running.runs),
            "slots": self.settings.slots,
        }

    async def serve(self, listener: socket.socket) -> None:
        """Run, with metrics on `listener`, until SIGTERM or SIGINT and the drain; a second signal ends it at once."""
        stop, kill = asyncio.Event(), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, lambda: (kill if stop.is_set() else stop).set())
        if not await self.upstream.warm_up():
            _log.warning("the upstream %s does not answer yet", self.upstream.base_url)
        observer = _Observer(uvicorn.Config(observe_app(self.state), log_config=None, access_log=False, lifespan="off"))
        await self.line.start()
        with contextlib.suppress(*LINK_ERRORS):  # without Redis it begins all the same, and /readyz tells
            await self.line.command("PING")
        for bell in self.bells.values():
            await bell.start()
        parts: list[asyncio.Task[object]] = [
            asyncio.create_task(part)
            for part in (
                self.running.renew_for_ever(),
                self.running.guard_for_ever(),
                self.sweeper.sweep_for_ever(),
                observer.serve([listener]),
            )
        ]
        collect_rarely()
        self.warm = True
        parts += [asyncio.create_task(queue.run_until_stopped()) for queue in self.queues]
        host, port = listener.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        _log.info(
            "worker ready: %d slots, upstream %s, metrics %s", self.settings.slots, self.upstream.base_url, address
        )
        stopped = asyncio.create_task(stop.wait())
        # A part that ends by itself is a defect: the process must not go on as half a worker.
        done, _ = await asyncio.wait((*parts, stopped), return_when=asyncio.FIRST_COMPLETED)
        await self._drain(kill)
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        await self.upstream.close()
        for bell in self.bells.values():
            await bell.close()
        await self.line.close()
        for part in done - {stopped}:
            part.result()

    async def _drain(self, kill: asyncio.Event) -> None:
        self.draining = True
        for queue in self.queues:
            queue.stop()
        runs = list(self.running.runs.values())
        _log.info("draining: %d jobs run, %d of them have no content yet", len(runs), sum(not r.begun for r in runs))
        for run in runs:
            if not run.begun:
                run.give_back = True
                run.close()
        finished = asyncio.create_task(self._finished())
        killed = asyncio.create_task(kill.wait())
        await asyncio.wait((finished, killed), timeout=self.settings.drain_s, return_when=asyncio.FIRST_COMPLETED)
        left = list(self.running.runs.values())
        # Side by side: a Redis that is gone costs its timeout once, not once a job.
        await asyncio.gather(*(end_by_name(self.log, run.claim, State.FAILED, "worker_stopping") for run in left))
        for run in left:
            run.close()
        await asyncio.wait((finished,), timeout=2.0)
        for task in (finished, killed):
            task.cancel()

    async def _finished(self) -> None:
        for queue in self.queues:
            await queue.stopped.wait()
        while tasks := [task for queue in self.queues for task in queue.tasks.values()]:
            await asyncio.wait(tasks)


class _Observer(uvicorn.Server):
    """uvicorn for /metrics, without its signal handlers: this process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.create_server((host, port), reuse_port=False)
    listener.setblocking(False)
    return listener


def main() -> None:
    """Run a worker as the environment says; returns after a drain. Exits with 2 when it cannot begin."""
    settings = from_environment(WorkerSettings)
    logs.configure("worker", level=settings.log_level, json=settings.log_json)
    try:
        listener = _listen(settings.metrics_host, settings.metrics_port)
    except OSError as error:
        _exit(f"cannot listen on {settings.metrics_host}:{settings.metrics_port}: {os.strerror(error.errno or 0)}")
    try:
        uvloop.run(_serve(settings, listener))
    except NoCredentials as error:
        _exit(f"a worker needs ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN: {error}")
    except UnsuitableServer as error:
        _exit(str(error))


async def _serve(settings: WorkerSettings, listener: socket.socket) -> None:
    """arq's Worker takes the loop that it is built in."""
    redis = from_environment(RedisSettings)
    process = WorkerProcess(redis, from_environment(JobSettings), settings)
    await check_server(redis)
    await process.serve(listener)


def _exit(why: str) -> NoReturn:
    print(f"sluice: {why}", file=sys.stderr)
    sys.exit(2)
