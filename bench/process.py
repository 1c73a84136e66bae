"""A process of the bench's own: started, ready when it says so or listens, ended with all that it started.

Invariant: it leads a process group of its own, which is ended when the block is left or the bench is gone; its words go
to a file that is shown when it does not get ready.
Does not know: what runs.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from bench import leash, procfs
from bench.failure import BenchFailed

_POLL_S = 0.05
_STOPPED_S = 10.0


class Process:
    """A context: inside, it runs and is ready. With a `says` the first group of that pattern is `said`; with a `port`
    it is ready when it listens there."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        says: str = "",
        port: int = 0,
        environment: Mapping[str, str] | None = None,
        ready_s: float = 60.0,
    ) -> None:
        self.name = name
        self.said = ""
        self._command, self._says, self._port = command, says, port
        self._environment, self._ready_s = environment, ready_s

    def __enter__(self) -> Self:
        """Raises BenchFailed if it cannot be started or does not get ready."""
        with tempfile.NamedTemporaryFile(prefix="sluice-bench-", suffix=".log", delete=False) as log:
            self._log = Path(log.name)
            try:
                self._process = subprocess.Popen(
                    self._command,
                    env=self._environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                self._log.unlink()
                raise BenchFailed(f"{self.name} cannot be started: {error}") from error
        leash.hold(self.pid)
        try:
            self._wait_until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        return self._process.pid

    def tree(self) -> dict[str, int]:
        """Process ids by name: it, and all below it."""
        pids = [self.pid]
        for pid in pids:
            pids.extend(procfs.children(pid))
        return {self.name if number == 0 else f"{self.name} {number + 1}": pid for number, pid in enumerate(pids)}

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self._ready_s
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                words = self._log.read_text(errors="replace")[-1500:]
                raise BenchFailed(f"{self.name} did not get ready within {self._ready_s:g} s; it said:\n{words}")
            time.sleep(_POLL_S)

    def _ready(self) -> bool:
        if self._port:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self._port)) == 0
        match = re.search(self._says, self._log.read_text(errors="replace"), re.MULTILINE)
        self.said = match[1] if match else ""
        return match is not None

    def _stop(self) -> None:
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(_STOPPED_S)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._signal(signal.SIGKILL)
            self._process.wait()
            leash.let_go(self.pid)
            self._log.unlink(missing_ok=True)

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            return


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
