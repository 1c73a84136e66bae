"""What may not double: figures of Sluice by those of the tutorial pattern, or of the direct call, taken in one run.

Invariant: only ratios of one run are compared, so a slower machine fails nothing. A ratio counts from worse to better:
for what should be high it is turned round.
Does not know: which ratios would be good.
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

from bench.rounds import Results

FILE = Path(__file__).with_name("ratios.json")
_SLUICE, _TUTORIAL, _DIRECT = "Sluice", "tutorial", "direct"
_HIGH = ("events/s", "requests/s", "%")
_OF_TUTORIAL = ("first token", "CPU of", "saturated", "short requests")
_DOUBLED = 2.0


def measured(results: Results) -> dict[str, float]:
    """The ratios of a run, by `row: Sluice by other`; how far below 1 is how much better."""
    found: dict[str, float] = {}
    for row in results.rows():
        other = _TUTORIAL if row.startswith(_OF_TUTORIAL) else _DIRECT
        ours, theirs = results.rounds(row, _SLUICE), results.rounds(row, other)
        if "p99" in row or row.startswith("delay") or not ours or not theirs or not median(theirs):
            continue  # one stall of a shared machine is a p99 of a small run, and two are its delay
        ratio = median(ours) / median(theirs)
        found[f"{row}: Sluice by {other}"] = 1 / ratio if row.endswith(_HIGH) else ratio
    return found


def doubled(results: Results) -> dict[str, str]:
    """What each kept ratio is that has doubled, or is not there any more."""
    now, before = measured(results), json.loads(FILE.read_text())
    gone = {name: "not measured" for name in before if name not in now}
    return gone | {
        name: f"{now[name]:.3f}, was {kept:.3f}"
        for name, kept in before.items()
        if name in now and now[name] > kept * _DOUBLED
    }


def keep(results: Results) -> None:
    """From now on these are the ratios."""
    rounded = {name: round(ratio, 4) for name, ratio in measured(results).items()}
    FILE.write_text(json.dumps(rounded, indent=2, ensure_ascii=False) + "\n")
