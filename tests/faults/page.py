"""docs/guarantees.md keeps the figures of the last runs between two markers, a row for each fault.

Invariant: nothing outside the markers changes; a row that was not run again stays as it was, its own seed and date too.
Does not know: how anything was measured.
"""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.checker import endings
from tests.faults.faults import FAULTS, Fault
from tests.faults.run import Run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guarantees.md"
_BEGIN = "<!-- figures: written by `make faults` -->\n"
_END = "<!-- end of figures -->\n"
_HEAD = "| fault | what was injected | to reach | measured | held |\n|---|---|---|---|---|\n"


def row(fault: Fault, run: Run) -> str:
    """One line of the table."""
    counts = {"faults": len(run.history.injected), "streams": len(run.history.streams), "events": run.history.events}
    size = "small" if run.size.small else "full"
    told = ", ".join(f"{count:,} {what}" for what, count in {**counts, **run.notes}.items())
    injected = f"{told} ({size} size, seed {run.seed}, {datetime.now(UTC):%Y-%m-%d}, {run.took_s:.0f} s)"
    ended = ", ".join(f"{count:,} {name}" for name, count in endings(run.history).items())
    measured = "; ".join([*([f"ended: {ended}"] if ended else []), *map(str, run.figures)])
    held = f"no: {run.failures[0]}" if run.failures else "yes"
    return _line(fault.name, injected, fault.reach, measured, held)


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def with_rows(page: str, rows: Mapping[str, str]) -> str:
    """The page with these rows, by fault, in place of the same before. Raises ValueError without both markers."""
    before, begin, rest = page.partition(_BEGIN)
    figures, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {_BEGIN.strip()!r} and {_END.strip()!r}")
    kept = {line.split(" | ")[0].removeprefix("| "): line for line in figures.splitlines() if line.startswith("| ")}
    lines = [line for fault in FAULTS if (line := rows.get(fault.name, kept.get(fault.name)))]
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    table = f"The machine: {machine}, which runs clients, simulator and Redis as well.\n\n{_HEAD}" + "\n".join(lines)
    return f"{before}{begin}\n{table}\n\n{end}{after}"


def keep(rows: Mapping[str, str]) -> None:
    """Write them into the page."""
    PAGE.write_text(with_rows(PAGE.read_text(), rows))
