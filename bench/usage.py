"""What the processes cost over a window: CPU time for each event, memory at its end.

Invariant: the same processes live at both ends; one that was started again in between spoils the figures and is an
error.
Does not know: what they did in the window.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench import procfs
from bench.failure import BenchFailed
from bench.target import Processes

OUTSIDE = ("stand-in", "load client")
"""Processes that are no part of what is measured."""


@dataclass(frozen=True, slots=True)
class Usage:
    """By process name: CPU time over the window, and resident memory at its end."""

    cpu_s: Mapping[str, float]
    resident_bytes: Mapping[str, int]

    def inside_cpu_s(self) -> float:
        """CPU time of all that is measured."""
        return sum(seconds for name, seconds in self.cpu_s.items() if name not in OUTSIDE)


class Meter:
    """Reads the meters of whatever `find` finds, and of the load client."""

    def __init__(self, find: Callable[[], Processes]) -> None:
        self._own = find
        self._processes: Processes = {}
        self._began_s: dict[str, float] = {}

    def _find(self) -> Processes:
        return {**self._own(), "load client": os.getpid()}

    def start(self) -> None:
        """Begin a window."""
        self._processes = self._find()
        self._began_s = {name: procfs.cpu_s(pid) for name, pid in self._processes.items()}

    def stop(self) -> Usage:
        """End it. Raises BenchFailed if a process was replaced in between."""
        if self._find() != self._processes:
            raise BenchFailed(f"processes were {self._processes} and are {self._find()} now: somebody killed one")
        return Usage(
            {name: procfs.cpu_s(pid) - self._began_s[name] for name, pid in self._processes.items()},
            {name: procfs.resident_bytes(pid) for name, pid in self._processes.items()},
        )
