"""The page of guarantees: rows are replaced and kept, and what stands around them stays."""

import pytest

from tests.faults import page
from tests.faults.faults import FAULTS
from tests.faults.history import Injected
from tests.faults.run import Run

ROWS = {fault.name: f"| {fault.name} | a | b | c | yes |" for fault in FAULTS[:3]}


def test_rows_are_replaced_one_by_one() -> None:
    """A row that was run again is new, the others stay, all in the table's order."""
    text = f"above\n{page._BEGIN}\nold\n{page._END}below\n"
    first = page.with_rows(text, dict(reversed(ROWS.items())))
    lines = [line for line in first.splitlines() if line.startswith("| ") and line.endswith("yes |")]
    assert lines == list(ROWS.values())
    assert first.startswith("above\n") and first.endswith("below\n") and "old" not in first
    name = FAULTS[1].name
    second = page.with_rows(first, {name: f"| {name} | new | b | c | no |"})
    assert second == first.replace(ROWS[name], f"| {name} | new | b | c | no |")


def test_a_page_without_markers() -> None:
    """Nothing is written to a page that has no place for it."""
    with pytest.raises(ValueError, match="needs the lines"):
        page.with_rows("no markers", ROWS)


def test_a_row_says_how_much_and_whether_it_held() -> None:
    """Counts, seed and figures, and the first breach of a run that failed."""
    run = Run(FAULTS[0].name, 7, FAULTS[0].small)
    run.history.injected.append(Injected(1.0, "kill", "w"))
    run.figure("late", [0.5] * 99 + [9.0], "s", 1.0)
    assert "| 1 faults, 0 streams, 0 events (small size, seed 7," in page.row(FAULTS[0], run)
    assert "late 0.5 s (at most 1) | yes |" in page.row(FAULTS[0], run)
    run.demand(False, "a | breach")
    assert page.row(FAULTS[0], run).endswith("| no: a \\| breach |")


def test_the_page_has_its_markers_and_only_rows_of_the_table() -> None:
    """What docs/guarantees.md shows is of faults that exist."""
    _, begin, rest = page.PAGE.read_text().partition(page._BEGIN)
    figures, end, _ = rest.partition(page._END)
    assert begin and end
    named = {line.split(" | ")[0].removeprefix("| ") for line in figures.splitlines() if line.startswith("| ")}
    assert named - {"fault"} <= {fault.name for fault in FAULTS}
