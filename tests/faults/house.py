"""The real processes of one run, and the evidence that is left when it is over.

Invariant: whoever takes a gateway away says so first, so clients choose among those that are meant to serve; a process
that ended without being told to is found (`exits`).
Does not know: what is broken, what is right.
"""

import asyncio
import contextlib
import json
import os
import subprocess
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from tests.faults.checker import delta_of, deltas_of
from tests.faults.clients import message
from tests.faults.history import Entry, History
from tests.faults.wire import call
from tests.support.cluster import Cluster, Ground
from tests.support.facts import fact
from tests.support.process import Process, end_all

_LOG_CHARACTERS = 3_000
_CALLS_KEPT = 10_000  # by the simulator
_KEY_SHOWN = 8  # characters of a key that the simulator's ledger keeps
_numbers = count(1)


class House:
    """A cluster with gateways and workers that come and go. `async with` it."""

    def __init__(self, ground: Ground, rng: Random, **settings: object) -> None:
        self.ground = ground
        self.cluster = Cluster(ground, **settings)
        self.gateways: list[Process] = []  # those that clients may choose
        self.workers: dict[str, Process] = {}  # by the beginning of their upstream key
        self.told: list[Process] = []  # those that were ended on purpose
        self._seen: dict[int, dict[str, Any]] = {}  # calls by their index
        self._rng = rng

    async def __aenter__(self) -> "House":
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(end_all, [*self.cluster.gateways, *self.cluster.workers])

    async def start(self, gateways: int = 1, workers: int = 2, **settings: object) -> "House":
        """Start so many, side by side; `settings` go to the workers."""
        await asyncio.gather(
            *(self.add_gateway() for _ in range(gateways)), *(self.add_worker(**settings) for _ in range(workers))
        )
        return self

    async def add_gateway(self, **settings: object) -> Process:
        gateway = await asyncio.to_thread(self.cluster.add_gateway, **settings)
        self.gateways.append(gateway)
        return gateway

    async def add_worker(self, **settings: object) -> Process:
        name = f"w{next(_numbers):07d}"
        worker = await asyncio.to_thread(self.cluster.add_worker, **{"ANTHROPIC_API_KEY": f"{name}-key", **settings})
        self.workers[name] = worker
        return worker

    @property
    def socket_path(self) -> str:
        """Where Redis listens."""
        return self.ground.server.url.removeprefix("unix://")

    def choose(self) -> str:
        """Where a client connects: any gateway that is meant to serve."""
        return self._rng.choice(self.gateways).url

    def withdraw(self, process: Process) -> None:
        """It is about to be ended on purpose: clients choose it no more, and its exit is no surprise."""
        self.told.append(process)
        if process in self.gateways:
            self.gateways.remove(process)
        self.workers = {name: worker for name, worker in self.workers.items() if worker is not process}

    def exits(self) -> list[str]:
        """Processes that have ended by themselves."""
        ours = [*self.cluster.gateways, *self.cluster.workers]
        return [f"{process.name} has exited" for process in ours if process not in self.told and _ended(process)]

    def logs_of_processes(self) -> str:
        """The ends of what they all said."""
        ours = [*self.cluster.gateways, *self.cluster.workers]
        return "\n".join(f"--- {process.name}\n{process.log[-_LOG_CHARACTERS:]}" for process in ours)

    async def calls(self) -> list[dict[str, Any]]:
        """What the simulator was asked, newest last, each with the name of the worker that asked.

        The simulator keeps its newest calls; a long run asks now and then, so that none is missed.
        """
        response = await call(self.ground.upstream_url, "GET", f"/simulator/calls?limit={_CALLS_KEPT}", {})
        for one in json.loads(response.body):
            one["worker"] = one["headers"].get("x-api-key", "")[:_KEY_SHOWN]
            self._seen[one["index"]] = one
        return [self._seen[index] for index in sorted(self._seen)]

    async def open_calls(self) -> int:
        response = await call(self.ground.upstream_url, "GET", "/simulator/calls/open", {})
        return int(json.loads(response.body)["count"])

    async def quiet(self, within_s: float = 10.0) -> None:
        """Wait until no upstream call is open. What is open after that is for the checker to find."""

        async def silent() -> bool | None:
            return await self.open_calls() == 0 or None

        with contextlib.suppress(AssertionError):
            await fact(silent, within_s)

    async def testify(self, history: History) -> None:
        """Fill in what simulator and Redis saw."""
        labels = {stream.label for stream in history.streams}
        history.calls = [one for one in await self.calls() if one["label"] in labels]
        job_ids = [stream.job_id for stream in history.streams if stream.job_id]
        history.logs |= await asyncio.to_thread(self.logs, job_ids)
        for deltas in {deltas_of(stream.scenario) for stream in history.streams} - {"", *history.plain}:
            history.plain[deltas] = await self._plain(deltas)

    def logs(self, job_ids: Iterable[str]) -> dict[str, list[Entry]]:
        """The logs as they lie in Redis; those that are gone are left out."""
        found: dict[str, list[Entry]] = {}
        with self.ground.client() as redis:
            for job_id in job_ids:
                entries: Any = redis.xrange(f"{self.cluster.prefix}log:{job_id}")
                if entries:
                    found[job_id] = [Entry.read(entry_id, fields[b"c"]) for entry_id, fields in entries]
        return found

    async def _plain(self, deltas: str) -> list[bytes]:
        headers = {"x-api-key": "direct-key", "anthropic-version": "2023-06-01"}
        asked = message(f"text events={deltas} tps=0", "direct")
        response = await call(self.ground.upstream_url, "POST", "/v1/messages", headers, asked)
        assert response.how == "whole", response
        return [delta_of(event.raw) for event in response.events if event.name == "content_block_delta"]


def python_path(directory: Path) -> str:
    """A PYTHONPATH for processes, by which they import the `sitecustomize` of this directory."""
    return os.pathsep.join(filter(None, (str(directory), os.environ.get("PYTHONPATH"))))


def _ended(process: Process) -> bool:
    try:
        process.exit_code(0)
    except subprocess.TimeoutExpired:
        return False
    return True
