"""Waiting for facts, and asking whether a process lives."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_POLL_S = 0.01

T = TypeVar("T")


def until(probe: Callable[[], T], within_s: float = 10.0) -> T:
    """The first true answer of `probe`. Raises `AssertionError` when none comes within `within_s`."""
    deadline = time.monotonic() + within_s
    while not (found := probe()):
        assert time.monotonic() < deadline, f"did not come true within {within_s} s; last answer: {found!r}"
        time.sleep(_POLL_S)
    return found


async def soon(probe: Callable[[], T], within_s: float = 10.0) -> T:
    """The same while an event loop runs."""
    deadline = time.monotonic() + within_s
    while not (found := probe()):
        assert time.monotonic() < deadline, f"did not come true within {within_s} s; last answer: {found!r}"
        await asyncio.sleep(_POLL_S)
    return found


def gone(pid: int) -> bool:
    """Whether the process has ended (a zombie that nobody has collected has ended, too)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    try:
        return state.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
