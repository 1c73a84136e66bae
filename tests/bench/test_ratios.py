"""What may not double."""

import json
from pathlib import Path

import pytest

from bench import main, ratios
from bench.measure import Taken
from bench.rounds import Results


def _run(ours_ms: float, ours_a_second: float) -> Results:
    figures = {"first token, idle, p50, ms": ours_ms, "short requests/s": ours_a_second}
    theirs = {"first token, idle, p50, ms": 4.0, "short requests/s": 200.0}
    taken = {
        ("any", "direct"): [Taken({"first token, idle, p50, ms": 1.0})],
        ("any", "Sluice"): [Taken(figures)],
        ("any", "tutorial"): [Taken(theirs)],
    }
    return Results(["direct", "Sluice", "tutorial"], taken)


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ratios of 1/2 and 1/4 are kept."""
    monkeypatch.setattr(ratios, "FILE", tmp_path / "ratios.json")
    ratios.keep(_run(2.0, 800.0))


def test_what_did_not_double_is_fine() -> None:
    """Nearly twice as slow is a busy machine, better is better."""
    assert ratios.doubled(_run(3.9, 410.0)) == {}
    assert ratios.doubled(_run(1.0, 2_000.0)) == {}


def test_what_doubled_is_named() -> None:
    """Slower by more than two, or fewer by more than half."""
    slower = ratios.doubled(_run(4.2, 800.0))
    assert slower == {"first token, idle, p50, ms: Sluice by tutorial": "1.050, was 0.500"}
    (fewer,) = ratios.doubled(_run(2.0, 390.0))
    assert fewer.startswith("short requests/s")


@pytest.mark.parametrize(("second", "told"), [((2.0, 800.0), []), ((9.0, 800.0), ["first token, idle, p50, ms"])])
def test_only_what_doubled_twice_fails(second: tuple[float, float], told: list[str]) -> None:
    """A busy moment is measured again."""
    found = main._doubled(_run(4.2, 390.0), lambda: _run(*second))
    assert [name.partition(":")[0] for name in found] == told


def test_what_did_not_double_is_not_measured_again() -> None:
    """It takes a minute."""
    assert main._doubled(_run(2.0, 800.0), lambda: pytest.fail("measured again")) == []


def test_what_is_not_measured_any_more_is_named() -> None:
    """A ratio cannot be passed by leaving it out."""
    nothing = Results(["direct", "Sluice", "tutorial"])
    assert len(ratios.doubled(nothing)) == 2


def test_the_kept_file_is_what_a_small_run_measures() -> None:
    """The committed ratios are numbers above zero."""
    committed = json.loads((Path(ratios.__file__).with_name("ratios.json")).read_text())
    assert committed
    assert all(ratio > 0 for ratio in committed.values())
