"""What the tables say of known rounds."""

from bench.measure import Taken
from bench.tables import cost_tables, delay_table
from bench.usage import Usage

MS = 1_000_000


def cells(table: str, row: str) -> list[str]:
    line = next(line for line in table.split("\n") if line.startswith(f"| {row} "))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_added_is_taken_within_a_round() -> None:
    """A machine that got slower between rounds does not show as something added."""
    results = {
        ("first token", "direct"): [Taken([1 * MS]), Taken([5 * MS]), Taken([9 * MS])],
        ("first token", "Sluice"): [Taken([3 * MS]), Taken([7 * MS]), Taken([12 * MS])],
    }
    assert cells(delay_table(results), "first token, p50") == [
        "5.00 (1.00 to 9.00)",
        "7.00 (3.00 to 12.00)",
        "2.00 (2.00 to 3.00)",
    ]


def test_percentiles_are_those_of_a_round() -> None:
    """p50 and p99 of 1 to 100 ms."""
    results = {
        ("first token", "direct"): [Taken([0])],
        ("first token", "Sluice"): [Taken([number * MS for number in range(1, 101)])],
    }
    table = delay_table(results)
    assert cells(table, "first token, p50") == ["0.00", "50.00", "50.00"]
    assert cells(table, "first token, p99") == ["0.00", "99.00", "99.00"]


def test_cost_is_cpu_by_the_number_of_events() -> None:
    """10 ms of the gateway for 100 events are 100 µs; the sum leaves simulator and load client out."""
    direct = Usage({"gateway": 0.0, "worker": 0.0, "simulator": 0.01, "load client": 0.01}, _memory())
    sluice = Usage({"gateway": 0.01, "worker": 0.02, "simulator": 0.01, "load client": 0.03}, _memory())
    results = {("deltas", "direct"): [Taken([1] * 100, direct)], ("deltas", "Sluice"): [Taken([1] * 100, sluice)]}
    table = cost_tables(results)
    assert cells(table, "gateway") == ["–", "100.0", "2"]
    assert cells(table, "all but simulator and load client") == ["–", "300.0", "4"]
    assert cells(table, "load client") == ["100.0", "300.0", "2"]


def _memory() -> dict[str, int]:
    return dict.fromkeys(("gateway", "worker", "simulator", "load client"), 2_000_000)
