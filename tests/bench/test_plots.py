"""Plots are whole SVG files that say what they show."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import plots
from bench.measure import Taken
from bench.rounds import Results


def test_a_file_for_each_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a bar for each target, none wider than the picture."""
    monkeypatch.setattr(plots, "PLOTS", tmp_path)
    taken = {("any", name): [Taken({"CPU, µs": us}), Taken({"CPU, µs": us * 2})] for name, us in BARS.items()}
    plots.draw(Results(list(BARS), taken))
    root = ElementTree.parse(tmp_path / "cpu-us.svg").getroot()
    bars = root.findall("{*}rect")
    widths = [float(bar.attrib["width"]) for bar in bars]
    assert len(widths) == 3
    assert widths == sorted(widths)
    assert all(float(bar.attrib["x"]) + width <= 640 for bar, width in zip(bars, widths, strict=True))
    assert [text.text for text in root.findall("{*}text")][:2] == ["CPU, µs (logarithmic)", "A & B"]


BARS = {"A & B": 1.0, "Sluice": 20.0, "C": 400.0}
