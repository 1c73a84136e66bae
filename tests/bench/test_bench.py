"""The whole bench, run as its users run it."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ROWS = ("short requests/s", "CPU of a short request, µs")


def test_a_quick_run_measures_and_leaves_nothing_behind() -> None:
    """Each row has a figure of every target, what is absent is named, and what was started has ended."""
    run = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", "short"],
        cwd=ROOT, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    rows: dict[str, list[str]] = {}
    for cells in map(_cells, filter(lambda line: "|" in line, run.stdout.split("\n"))):
        rows.setdefault(cells[0], cells[1:])
    assert rows[""][:3] == ["direct", "Sluice", "tutorial"]
    assert "nginx" in rows[""] or "- absent: nginx" in run.stdout
    for row in _ROWS:
        assert "–" not in rows[row], run.stdout
        direct, *others = (float(cell.replace(",", "")) for cell in rows[row])
        assert (direct == 0) == row.startswith("CPU"), row
        assert all(figure > 0 for figure in others), row
    assert re.search(r"short requests.* Sluice .*valkey-server [\d.,]+, worker [\d.,]+, gateway [\d.,]+", run.stdout)
    assert not [command for command in _commands() if "bench.standin" in command or "sluice-bench-" in command]


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
