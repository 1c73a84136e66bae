"""The whole bench, run as its users run it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NUMBER = re.compile(r"-?\d+\.\d+")


def test_quick_run_measures_everything_and_leaves_nothing_behind() -> None:
    """Every row has its figures, Sluice's delays are longer than none, and what was started has ended."""
    run = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"], cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert run.returncode == 0, run.stderr
    rows = {cells[0]: cells[1:] for cells in map(_cells, run.stdout.split("\n")) if len(cells) > 1}
    for name in ("first token, idle", "first token, 20 at once", "first token, 100 at once"):
        for percentile in ("p50", "p99"):
            direct_ms, sluice_ms, added_ms = map(float, rows[f"{name}, {percentile}"])
            assert direct_ms > 0
            assert sluice_ms > 0
            assert abs(sluice_ms - direct_ms - added_ms) < 0.011, "rounded to a hundredth each"
    direct_ms, sluice_ms, _ = map(float, rows["delay of a delta, 20 streams × 80/s, p50"])
    assert 0 < direct_ms < sluice_ms
    for process in ("gateway", "worker 1", "worker 2", "valkey-server"):
        assert _NUMBER.fullmatch(rows[process][1]), f"{process} worked for Sluice: {rows[process]}"
    for process in ("simulator", "load client"):
        assert all(map(_NUMBER.fullmatch, rows[process][:2])), f"{process} worked for both: {rows[process]}"
    assert not [command for command in _commands() if "sluice-bench-" in command]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def _commands() -> list[str]:
    """The command lines and the environments of all that runs."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.append((process / "cmdline").read_text() + (process / "environ").read_text())
        except OSError:
            continue  # it ended, or is not ours
    return found
