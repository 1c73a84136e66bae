"""CPU time and memory of processes, as Linux counts them (proc(5), clock_getcpuclockid(3)).

Invariant: a process that has ended is an error, never a zero.
Does not know: which processes matter.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.failure import BenchFailed

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SCHEDULED = 2
"""CPUCLOCK_SCHED: with the process id it makes the id of that process's clock."""
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def children(pid: int) -> list[int]:
    """The living processes that this one started."""
    listed = _read(pid, f"task/{pid}/children").split()
    return [int(child) for child in listed]


def command_line(pid: int) -> list[str]:
    """The words that it was started with. Raises BenchFailed for a process that ended or has not yet begun."""
    words = _read(pid, "cmdline").rstrip("\0")
    if not words:
        raise BenchFailed(f"process {pid} runs no command: it ended, or has not yet begun")
    return words.split("\0")


def cpu_s(pid: int) -> float:
    """CPU time so far, in user and kernel mode, of all threads, ended ones too; to the nanosecond."""
    try:
        return time.clock_gettime(~pid << 3 | _SCHEDULED)
    except OSError as error:
        raise BenchFailed(f"process {pid} ended during the measurement") from error


def resident_bytes(pid: int) -> int:
    """Resident memory now."""
    return int(_read(pid, "statm").split()[1]) * _PAGE_BYTES


def machine_cpu_s() -> float:
    """CPU time of the whole machine since it started that somebody used, also another guest of its host."""
    user, nice, system, _idle, _wait, irq, soft, steal = _machine_ticks()
    return (user + nice + system + irq + soft + steal) / _TICKS_PER_S


def _machine_ticks() -> tuple[int, ...]:
    first = (_PROC / "stat").read_text().split("\n", 1)[0]
    return tuple(int(ticks) for ticks in first.split()[1:9])


def _read(pid: int, name: str) -> str:
    try:
        return (_PROC / str(pid) / name).read_text()
    except OSError as error:
        raise BenchFailed(f"process {pid} ended during the measurement") from error
