"""What processes cost, read from a process of our own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from bench import procfs
from bench.failure import BenchFailed
from bench.usage import Meter


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A child that has begun, and does nothing."""
    command = [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


def test_work_of_the_window_is_counted() -> None:
    """What this process burns between start and stop is its cost, what it burned before is not."""
    meter = Meter(lambda: {"own": os.getpid()})
    meter.start()
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    usage = meter.stop()
    assert 0.08 <= usage.cpu_s["own"] <= 0.3
    assert usage.inside_cpu_s() == usage.cpu_s["own"], "the load client is no part of what is measured"
    assert usage.resident_bytes["own"] > 1_000_000


def test_a_replaced_process_spoils_the_window(sleeper: subprocess.Popen[bytes]) -> None:
    """A name that stands for another process at the end than at the beginning is an error."""
    found = [{"worker": os.getpid()}, {"worker": sleeper.pid}]
    meter = Meter(lambda: found.pop(0) if len(found) > 1 else found[0])
    meter.start()
    with pytest.raises(BenchFailed, match="somebody killed one"):
        meter.stop()


def test_a_dead_process_has_no_figures(sleeper: subprocess.Popen[bytes]) -> None:
    """Its cost is an error, not a zero."""
    sleeper.kill()
    sleeper.wait()
    with pytest.raises(BenchFailed, match=f"process {sleeper.pid} ended"):
        procfs.cpu_s(sleeper.pid)


def test_children_are_found_by_their_parent(sleeper: subprocess.Popen[bytes]) -> None:
    """The child is among those of this process, with the words that it was started with."""
    assert sleeper.pid in procfs.children(os.getpid())
    assert procfs.command_line(sleeper.pid)[1] == "-c"
