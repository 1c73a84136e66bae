"""A whole Sluice as real processes: a Valkey, a simulator, gateways and workers, told by their environment alone.

Invariant: every port is chosen by the system, every wait has a limit, and `close` leaves no process behind.
Does not know: what is tested.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import redis

from tests.support.process import Process, end_all
from tests.support.valkey import Valkey

_numbers = count(1)


class Ground:
    """What clusters stand on: one server and one upstream that answers at once unless a call asks for a pace."""

    def __init__(self, *, persistent: bool = False) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-logs-"))
        self.server = Valkey(persistent=persistent)
        pace = ("--port", "0", "--first-token-ms", "0", "--tokens-per-second", "0")
        self.simulator = Process.python(f"simulator-{next(_numbers)}", "simulator", {}, self.directory, *pace)
        self.upstream_url = self.simulator.said(r"simulator: (http://\S+)")[1]

    def client(self) -> redis.Redis:
        """A client of the server, to look behind the scenes or to disturb them."""
        return redis.Redis.from_url(self.server.url, socket_timeout=5.0)

    def close(self) -> None:
        """End everything that runs here, and remove what it wrote."""
        end_all([process for process in Process.living if process.directory == self.directory])
        self.server.close()
        shutil.rmtree(self.directory)


class Cluster:
    """Gateways and workers that share a prefix. `settings` go to all of them, as environment variables."""

    def __init__(self, ground: Ground, **settings: object) -> None:
        self.ground = ground
        self.prefix = f"sluice-{next(_numbers)}:"
        self.gateways: list[Process] = []
        self.workers: list[Process] = []
        self._settings = {"REDIS_URL": ground.server.url, "SLUICE_PREFIX": self.prefix, **settings}

    @property
    def url(self) -> str:
        """The address of its first gateway."""
        return self.gateways[0].url

    @property
    def living_workers(self) -> list[Process]:
        return [worker for worker in self.workers if worker in Process.living]

    def add_gateway(self, **settings: object) -> Process:
        """Start a gateway on a free port; returns when it listens."""
        gateway = self._begin_gateway(**settings)
        _await_gateway(gateway)
        return gateway

    def add_workers(self, number: int, **settings: object) -> list[Process]:
        """Start workers side by side; returns when all of them take jobs."""
        workers = self._begin_workers(number, **settings)
        _await_workers(workers)
        return workers

    def add_worker(self, **settings: object) -> Process:
        return self.add_workers(1, **settings)[0]

    def start(self, *, workers: int) -> None:
        """Start a gateway and workers, all side by side."""
        gateway, begun = self._begin_gateway(), self._begin_workers(workers)
        _await_gateway(gateway)
        _await_workers(begun)

    def close(self) -> None:
        """kill -9 for all: what a drain does is tested where it is meant."""
        end_all([*self.gateways, *self.workers])

    def _begin_gateway(self, **settings: object) -> Process:
        gateway = self._start("gateway", {"SLUICE_PORT": 0, **settings})
        self.gateways.append(gateway)
        return gateway

    def _begin_workers(self, number: int, **settings: object) -> list[Process]:
        upstream = {"ANTHROPIC_API_KEY": "upstream-key", "ANTHROPIC_BASE_URL": self.ground.upstream_url}
        settings = {"SLUICE_METRICS_PORT": 0, **upstream, **settings}
        workers = [self._start("worker", settings) for _ in range(number)]
        self.workers += workers
        return workers

    def _start(self, module: str, settings: Mapping[str, object]) -> Process:
        name = f"{module}-{next(_numbers)}"
        return Process.python(name, module, {**self._settings, **settings}, self.ground.directory)


@contextmanager
def started(ground: Ground, *, workers: int = 1, **settings: object) -> Iterator[Cluster]:
    """A gateway and so many workers for the block, which may kill them and add others."""
    cluster = Cluster(ground, **settings)
    try:
        cluster.start(workers=workers)
        yield cluster
    finally:
        cluster.close()


def _await_gateway(gateway: Process) -> None:
    gateway.url = gateway.said(r"gateway ready: (http://[^\s'\"]+)")[1]


def _await_workers(workers: list[Process]) -> None:
    for worker in workers:
        worker.url = worker.said(r"worker ready: .*metrics (http://[^\s'\"]+)")[1]
