"""bench/under_load.py: a house is held under a load, its processes are named, and it ends."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.under_load import load


@pytest.mark.parametrize("name", ["paced", "calm", "saturated", "short", "idle"])
def test_every_load_is_a_measure_of_the_bench(name: str) -> None:
    """With a title that its table has."""
    assert load(name, 1.0).title


def test_a_load_names_the_processes_and_tells_what_each_cost() -> None:
    """So that a profiler finds them."""
    command = [sys.executable, "-m", "bench.under_load", "short", "--seconds", "0.3"]
    told = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    named = re.findall(r"^ +\d+ ([\w-]+)$", told, re.MULTILINE)
    assert {"gateway", "worker", "valkey-server"} <= set(named)
    assert re.search(r"^short requests/s: [\d,.]+$", told, re.MULTILINE)
    assert re.search(r"^worker, µs each request: [\d,.]+$", told, re.MULTILINE)
