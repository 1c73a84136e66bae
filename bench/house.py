"""A `sluice up` of its own before the stand-in: embedded Valkey, so many workers and gateways.

Invariant: all settings are the defaults but the slots, since one worker must take every stream of a measure, and how
long logs are kept, since a saturated run writes gigabytes. When the block is left nothing of it runs any more, and a
bench that is killed takes it along.
Does not know: what is measured.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from bench import leash, procfs
from bench.failure import BenchFailed
from bench.process import Process, free_port
from bench.target import Target

_READY_S = 60.0
_STOPPED_S = 30.0
_POLL_S = 0.05
_READY = "Ctrl-C stops everything."
_SLOTS = 4_000
_KEEP_S = 60
_GATEWAY = re.compile(r"^ +gateway +(http://\S+)$", re.MULTILINE)
_WORKER = re.compile(r"^ +(worker \d+) +(http://[^/\s]+)/metrics$", re.MULTILINE)
_SOCKET = re.compile(r"Unix socket (\S+)$", re.MULTILINE)
_SHOWN = {"cli": "sluice up", "cli.leash": "its leash"}
_OURS = ("ANTHROPIC_", "SLUICE_", "REDIS_URL")


class House:
    """A context: inside, everything is ready. `sluice` is its gateways, `workers` are their pages for metrics,
    `redis_socket` is where Valkey listens."""

    sluice: Target
    workers: list[Target]
    redis_socket: str

    def __init__(
        self, upstream: Target, *, workers: int = 1, gateways: int = 1, slots: int = _SLOTS, name: str = "Sluice"
    ) -> None:
        self._upstream, self._name = upstream, name
        self._count, self._gateways, self._slots = workers, gateways, slots
        self._more = contextlib.ExitStack()
        self._gateway_pids: list[int] = []
        self._directory = Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        self._log = self._directory / "log"

    def __enter__(self) -> Self:
        """Raises BenchFailed if it does not get ready."""
        with self._log.open("wb") as log:
            self._up = subprocess.Popen(
                [sys.executable, "-P", "-m", "cli", "up", *self._options()],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            leash.hold(self._up.pid)
            said = self._wait_until_ready()
            self.workers = [Target.at(name, url) for name, url in _WORKER.findall(said)]
            self.redis_socket = _found(_SOCKET, said)
            ports = tuple(self._another_gateway() for _ in range(self._gateways - 1))
            first = Target.at(self._name, _found(_GATEWAY, said))
            self.sluice = replace(first, more_ports=ports, processes=self.processes)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def processes(self) -> dict[str, int]:
        """Process ids of all that runs, by name; several of a kind are numbered by age."""
        pids = [self._up.pid, *procfs.children(self._up.pid), *self._gateway_pids]
        kinds = [_kind(procfs.command_line(pid)) for pid in pids]
        several = {kind for kind, number in Counter(kinds).items() if number > 1}
        seen: Counter[str] = Counter()
        names: dict[str, int] = {}
        for kind, pid in sorted(zip(kinds, pids, strict=True), key=lambda found: found[1]):
            seen[kind] += 1
            names[f"{kind} {seen[kind]}" if kind in several else kind] = pid
        return {**names, **self._upstream.processes()}

    def _options(self) -> list[str]:
        data = str(self._directory / "data")
        return ["--port", "0", "--data-dir", data, "--workers", str(self._count), "--slots", str(self._slots)]

    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return own | {
            "ANTHROPIC_API_KEY": "stand-in",
            "ANTHROPIC_BASE_URL": f"http://{self._upstream.host}:{self._upstream.port}",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            "SLUICE_KEEP_ATTACHED_S": str(_KEEP_S),
            "SLUICE_KEEP_DETACHED_S": str(_KEEP_S),
        }

    def _another_gateway(self) -> int:
        port = free_port()
        environment = self._environment() | {"REDIS_URL": f"unix://{self.redis_socket}", "SLUICE_PORT": str(port)}
        environment.pop("ANTHROPIC_API_KEY")
        command = [sys.executable, "-P", "-m", "gateway"]
        gateway = self._more.enter_context(Process("gateway", command, port=port, environment=environment))
        self._gateway_pids.append(gateway.pid)
        return port

    def _wait_until_ready(self) -> str:
        deadline = time.monotonic() + _READY_S
        while _READY not in (said := self._log.read_text(errors="replace")):
            if self._up.poll() is not None or time.monotonic() > deadline:
                raise BenchFailed(f"sluice up did not get ready within {_READY_S:g} s; it said:\n{said}")
            time.sleep(_POLL_S)
        return said

    def _stop(self) -> None:
        """Raises BenchFailed if it has to be killed; its own leash then ends what it had started."""
        self._more.close()
        self._up.send_signal(signal.SIGTERM)
        try:
            self._up.wait(_STOPPED_S)
        except subprocess.TimeoutExpired:
            self._up.kill()
            self._up.wait()
            raise BenchFailed(f"sluice up did not stop within {_STOPPED_S:g} s and was killed") from None
        finally:
            leash.let_go(self._up.pid)
            shutil.rmtree(self._directory)


def _found(pattern: re.Pattern[str], said: str) -> str:
    match = pattern.search(said)
    if match is None:
        raise BenchFailed(f"sluice up names no address like {pattern.pattern!r}; it said:\n{said}")
    return match[1]


def _kind(command: list[str]) -> str:
    """`worker` of `python -m worker`, `valkey-server` of `/…/valkey-server …`."""
    if "-m" in command:
        module = command[command.index("-m") + 1]
        return _SHOWN.get(module, module)
    return Path(command[0].split()[0]).name
