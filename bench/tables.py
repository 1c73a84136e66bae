"""Figures become tables: each the median of its rounds, with the lowest and the highest.

Invariant: what a target adds is taken within a round (targets are seconds apart there), and the median of these
differences is shown; never a difference of rounds that met different machines. A failure is shown as one.
Does not know: how anything was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from bench.figures import Spread
from bench.rounds import Results
from bench.usage import OUTSIDE

_DELAYS = ("first token", "delay of a delta")
_LEAST_US = 0.05

Row = list[str]


def figure_table(results: Results) -> str:
    """A row for each figure, a column for each target."""
    rows = [[row, *(_cell(results.rounds(row, name)) for name in results.names)] for row in results.rows()]
    return table(["", *results.names], rows)


def added_table(results: Results) -> str:
    """What each target adds to the delays of the first, within each round."""
    first, *others = results.names
    rows = [
        [row, *(_cell(added(results, row, first, name)) for name in others)]
        for row in results.rows()
        if row.startswith(_DELAYS)
    ]
    return table([f"added to {first}", *others], rows)


def added(results: Results, row: str, first: str, name: str) -> list[float]:
    """The differences of two targets, round by round; empty unless both have all rounds."""
    base, theirs = results.rounds(row, first), results.rounds(row, name)
    return [after - before for before, after in zip(base, theirs, strict=True)] if len(base) == len(theirs) else []


def cost_table(results: Results) -> str:
    """For each metered measure and target: the CPU of each process, in µs; the stand-in and the load client apart."""
    rows: list[Row] = []
    for (title, name), rounds in results.taken.items():
        if rounds and rounds[0].cost_us:
            processes = rounds[0].cost_us
            medians = {process: median(taken.cost_us.get(process, 0.0) for taken in rounds) for process in processes}
            inside = [f"{process} {us:.1f}" for process, us in medians.items() if process not in OUTSIDE]
            outside = [f"{medians.get(process, 0.0):.1f}" for process in OUTSIDE]
            shown = [text for text in inside if float(text.rpartition(" ")[2]) >= _LEAST_US]
            rows.append([f"{title}, µs each {rounds[0].per}", name, ", ".join(shown) or "–", *outside])
    return table(["CPU", "target", "its processes", *OUTSIDE], rows) if rows else ""


def _cell(rounds: Sequence[float]) -> str:
    if not rounds:
        return "–"
    spread = Spread.of(rounds)
    if len(rounds) == 1:
        return _number(spread.median)
    return f"{_number(spread.median)} ({_number(spread.low)} to {_number(spread.high)})"


def _number(figure: float) -> str:
    """Three digits that say something."""
    if abs(figure) >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2f}"


def table(head: Row, rows: Sequence[Row]) -> str:
    """A Markdown table that is also readable as plain text."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    aligned = [_line([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in (head, *rows)]
    rule = _line(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join([aligned[0], rule, *aligned[1:]])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
