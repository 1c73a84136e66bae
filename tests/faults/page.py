"""docs/guarantees.md keeps the figures of the last run between two markers.

Invariant: nothing outside the markers changes.
Does not know: how anything was measured.
"""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.checker import endings
from tests.faults.faults import Fault
from tests.faults.run import Run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guarantees.md"
_BEGIN = "<!-- figures: written by `make faults` -->\n"
_END = "<!-- end of figures -->\n"
_HEAD = "| fault | size | to reach | measured | held |\n|---|---|---|---|---|\n"


def row(fault: Fault, run: Run) -> str:
    """One line of the table."""
    counts = {"streams": len(run.history.streams), "events": run.history.events, **run.notes}
    size = f"{len(run.history.injected)} faults, " + ", ".join(f"{count:,} {what}" for what, count in counts.items())
    ended = ", ".join(f"{count:,} {name}" for name, count in endings(run.history).items())
    measured = "; ".join([*([f"ended: {ended}"] if ended else []), *map(str, run.figures)])
    cells = (fault.name, size, fault.reach, measured, "no: " + run.failures[0] if run.failures else "yes")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def with_figures(page: str, figures: str) -> str:
    """The page with these figures in place of those before. Raises ValueError without both markers."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the page needs the lines {_BEGIN.strip()!r} and {_END.strip()!r}")
    return f"{before}{begin}\n{figures}\n\n{end}{after}"


def keep(rows: Sequence[str], *, full: bool, seed: int) -> None:
    """Write them into the page."""
    size = "full sizes" if full else "small sizes (those of continuous integration)"
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    told = f"Measured {datetime.now(UTC):%Y-%m-%d}, seed {seed}, {size}, on {machine}."
    PAGE.write_text(with_figures(PAGE.read_text(), f"{told}\n\n{_HEAD}" + "\n".join(rows)))
