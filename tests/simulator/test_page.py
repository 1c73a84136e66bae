"""The page about the simulator says what the table says."""

from pathlib import Path

import pytest

from simulator.main import main
from simulator.page import scenario_tables
from simulator.scenarios import SCENARIOS

PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


def test_the_page_has_the_tables() -> None:
    """The tables of docs/simulator.md are those that `python -m simulator --scenarios` prints."""
    assert scenario_tables() in PAGE.read_text()


def test_every_scenario_has_a_row() -> None:
    """No scenario is missing in the table."""
    assert all(f"\n| `{name}` | " in scenario_tables() for name in SCENARIOS)


def test_the_command_prints_the_tables(capsys: pytest.CaptureFixture[str]) -> None:
    """`--scenarios` prints them and leaves."""
    main(["--scenarios"])
    assert capsys.readouterr().out == scenario_tables() + "\n"
