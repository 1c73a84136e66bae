"""Bars as SVG, legible in light and in dark, written by hand: bench/plots/.

Does not know: what the figures mean.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from statistics import median
from xml.sax.saxutils import escape

from bench.rounds import Results

PLOTS = Path(__file__).with_name("plots")
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#222}.t{font-weight:600}.b{fill:#8a93a3}.s{fill:#2f6fdb}.w{stroke:#222}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.b{fill:#7b8494}.s{fill:#6aa1ff}.w{stroke:#ddd}}"
)
_LEFT, _WIDTH, _BAR, _GAP = 110, 640, 20, 8
_SPACE_RIGHT = 150


def draw(results: Results) -> None:
    """A file for each row of figures."""
    PLOTS.mkdir(exist_ok=True)
    for row in results.rows():
        bars = {name: rounds for name in results.names if (rounds := results.rounds(row, name))}
        (PLOTS / f"{_file_name(row)}.svg").write_text(bar_chart(row, bars))


def bar_chart(title: str, bars: dict[str, list[float]]) -> str:
    """Horizontal bars of the medians with whiskers from lowest to highest; logarithmic where they differ a lot."""
    logarithmic = _differ_a_lot([median(rounds) for rounds in bars.values()])
    scale = _scale([figure for rounds in bars.values() for figure in rounds], logarithmic)
    shown = f"{title} (logarithmic)" if logarithmic else title
    height = 34 + len(bars) * (_BAR + _GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}">',
        f'<style>{_STYLE}</style><text class="t" x="0" y="15">{escape(shown)}</text>',
    ]
    for number, (name, rounds) in enumerate(bars.items()):
        lines.append(_bar(28 + number * (_BAR + _GAP), name, rounds, scale))
    return "\n".join([*lines, "</svg>\n"])


class _Scale:
    """From a figure to pixels right of the axis."""

    def __init__(self, low: float, high: float, logarithmic: bool) -> None:
        self._low, self._high, self._logarithmic = low, high, logarithmic

    def x(self, figure: float) -> float:
        room = _WIDTH - _LEFT - _SPACE_RIGHT
        if self._logarithmic:
            return max(0.0, math.log(max(figure, self._low) / self._low) / math.log(self._high / self._low)) * room
        return max(0.0, figure) / self._high * room


def _scale(figures: list[float], logarithmic: bool) -> _Scale:
    positive = [figure for figure in figures if figure > 0] or [1.0]
    return _Scale(min(positive) / 2, max(positive), logarithmic)


def _differ_a_lot(figures: list[float]) -> bool:
    return min(figures) > 0 and max(figures) / min(figures) > 30


def _bar(y: int, name: str, rounds: list[float], scale: _Scale) -> str:
    width, low, high = scale.x(median(rounds)), _LEFT + scale.x(min(rounds)), _LEFT + scale.x(max(rounds))
    kind, middle = "s" if name.startswith("Sluice") else "b", y + _BAR / 2
    return (
        f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="{kind}" x="{_LEFT}" y="{y}" width="{max(width, 1):.1f}" height="{_BAR}" rx="2"/>'
        f'<path class="w" d="M{low:.1f} {middle}H{high:.1f}"/>'
        f'<text x="{max(high, _LEFT + width) + 8:.1f}" y="{y + 15}">{median(rounds):,.4g}</text>'
    )


def _file_name(row: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", row.lower().replace("µ", "u")).strip("-")
