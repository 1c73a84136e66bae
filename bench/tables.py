"""Figures become tables: delays in ms, cost in µs of CPU for each event, each with the spread of its rounds.

Invariant: `added` is taken within a round (both targets, minutes apart at most), and its median over the rounds is
shown; a median of differences, never a difference of rounds that met different machines.
Does not know: how anything was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.figures import Spread, percentile
from bench.measure import Taken
from bench.rounds import Results
from bench.usage import Usage

_PERCENTILES = (("p50", 0.50), ("p99", 0.99))
_OUTSIDE = ("simulator", "load client")
"""Processes that are no part of what is measured."""
_NOTHING_US = 0.05

Row = list[str]


def delay_table(results: Results) -> str:
    """A row for each measure and percentile, a column for each target, and what each adds to the first."""
    titles, names = _axes(results)
    yardstick, others = names[0], names[1:]
    head = ["ms", *names, *(f"added by {name}" for name in others)]
    rows: list[Row] = []
    for title in titles:
        for label, share in _PERCENTILES:
            figures = {name: [_delay_ms(taken, share) for taken in results[title, name]] for name in names}
            added = [
                [theirs - base for theirs, base in zip(figures[name], figures[yardstick], strict=True)]
                for name in others
            ]
            rows.append([f"{title}, {label}", *(_cell(rounds) for rounds in (*figures.values(), *added))])
    return table(head, rows)


def cost_tables(results: Results) -> str:
    """For each metered measure: CPU for each event and memory, by process and target."""
    titles, names = _axes(results)
    metered = [title for title in titles if results[title, names[0]][0].usage is not None]
    return "\n\n".join(_cost_table(results, title, names) for title in metered)


def _cost_table(results: Results, title: str, names: Sequence[str]) -> str:
    takens = [results[title, name] for name in names]
    processes = list(dict.fromkeys(process for rounds in takens for process in _usage(rounds[0]).cpu_s))
    inside = [process for process in processes if process not in _OUTSIDE]
    head = [title, *(f"{name}, µs an event" for name in names), "memory at most, MB"]
    rows = [[process, *_costs(takens, [process])] for process in (*inside, *_OUTSIDE)]
    rows.insert(len(inside), [f"all but {' and '.join(_OUTSIDE)}", *_costs(takens, inside)])
    return table(head, rows)


def _costs(takens: Sequence[Sequence[Taken]], processes: Sequence[str]) -> Row:
    """CPU for each target, a dash where these processes did nothing for it; then memory."""
    event_us = [[_sum(taken, processes, _event_us) for taken in rounds] for rounds in takens]
    cells = [_cell(rounds, digits=1) if Spread.of(rounds).median >= _NOTHING_US else "–" for rounds in event_us]
    most_mb = max(_sum(taken, processes, _resident_mb) for rounds in takens for taken in rounds)
    return [*cells, f"{most_mb:.0f}"]


def _sum(taken: Taken, processes: Sequence[str], figure: Callable[[Taken, str], float]) -> float:
    return sum(figure(taken, process) for process in processes)


def _event_us(taken: Taken, process: str) -> float:
    return _usage(taken).cpu_s[process] / len(taken.delays_ns) * 1e6


def _resident_mb(taken: Taken, process: str) -> float:
    return _usage(taken).resident_bytes[process] / 1e6


def _usage(taken: Taken) -> Usage:
    assert taken.usage is not None
    return taken.usage


def _delay_ms(taken: Taken, share: float) -> float:
    return percentile(taken.delays_ns, share) / 1e6


def _axes(results: Results) -> tuple[list[str], list[str]]:
    """Titles and names, each in the order of their first appearance."""
    return list(dict.fromkeys(title for title, _ in results)), list(dict.fromkeys(name for _, name in results))


def _cell(rounds: Sequence[float], digits: int = 2) -> str:
    spread = Spread.of(rounds)
    if len(rounds) == 1:
        return f"{spread.median:.{digits}f}"
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f} to {spread.high:.{digits}f})"


def table(head: Row, rows: Sequence[Row]) -> str:
    """A Markdown table that is also readable as plain text."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    aligned = [_line([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in (head, *rows)]
    rule = _line(["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
    return "\n".join([aligned[0], rule, *aligned[1:]])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
