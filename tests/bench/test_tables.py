"""What the tables say of known rounds."""

from bench.measure import Taken
from bench.rounds import Results
from bench.tables import added_table, cost_table, figure_table

ROW = "first token, p50, ms"


def cells(table: str, row: str) -> list[str]:
    line = next(line for line in table.split("\n") if line.startswith(f"| {row} "))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def _rounds(*figures: float) -> list[Taken]:
    return [Taken({ROW: figure}) for figure in figures]


def test_added_is_taken_within_a_round() -> None:
    """A machine that got slower between rounds does not show as something added."""
    results = Results(["direct", "Sluice"], {("any", "direct"): _rounds(1, 5, 9), ("any", "Sluice"): _rounds(3, 7, 12)})
    assert cells(figure_table(results), ROW) == ["5.00 (1.00 to 9.00)", "7.00 (3.00 to 12.0)"]
    assert cells(added_table(results), ROW) == ["2.00 (2.00 to 3.00)"]


def test_a_round_that_failed_adds_nothing() -> None:
    """Rounds are not compared with others than their own; what has no figure has a dash."""
    results = Results(["direct", "peer"], {("any", "direct"): _rounds(1, 5), ("any", "peer"): _rounds(3)})
    assert cells(figure_table(results), ROW) == ["3.00 (1.00 to 5.00)", "3.00"]
    assert cells(added_table(results), ROW) == ["–"]


def test_cost_is_told_by_process() -> None:
    """The median of the rounds; what is not measured stands apart, and what did nothing is not shown."""
    taken = [
        Taken({}, {"worker": 20.0 + more, "gateway": 10.0, "leash": 0.01, "stand-in": 5.0, "load client": 7.0})
        for more in (0, 1, 5)
    ]
    table = cost_table(Results(["Sluice"], {("paced", "Sluice"): taken}))
    assert cells(table, "paced, µs each event") == ["Sluice", "worker 21.0, gateway 10.0", "5.0", "7.0"]
