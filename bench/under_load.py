"""A load to look at processes under: `python -m bench.under_load paced` names them, keeps the load up, and says at its
end what each has cost.

    py-spy record --pid <worker> --duration 10 --rate 500 --format raw --output worker.txt
    perf record --all-cpus --event cpu-clock --freq 2000 -- sleep 5

`docs/performance.md` was made so.
Does not know: profilers.
"""

from __future__ import annotations

import argparse
import gc

import uvloop

from bench.deltas import PacedDeltas
from bench.first_token import Idle
from bench.house import House
from bench.load import Saturated, Short
from bench.measure import Measure, Taken
from bench.upstream import standin

_PAUSE_S = 0.01  # of the idle load, beside the answer itself


def load(name: str, seconds: float) -> Measure:
    """One of the bench's measures, for about so long."""
    match name:
        case "paced":
            return PacedDeltas(300, 80, seconds)
        case "calm":
            return PacedDeltas(100, 80, seconds)
        case "saturated":
            return Saturated(16, 5_000, seconds)
        case "short":
            return Short(24, seconds)
        case "idle":
            return Idle(round(seconds / (_PAUSE_S + 0.005)))
    raise ValueError(name)


def main() -> None:
    """Exit code 0; 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="bench.under_load", description="Keep Sluice under a load, to profile it.")
    parser.add_argument("load", choices=("paced", "calm", "saturated", "short", "idle"))
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    gc.disable()
    with standin() as direct, House(direct) as house:
        for name, pid in house.processes().items():
            print(f"{pid:>8} {name}", flush=True)
        taken: Taken = uvloop.run(load(options.load, options.seconds).take(house.sluice))
    for row, figure in taken.figures.items():
        print(f"{row}: {figure:,.2f}")
    for name, cost_us in taken.cost_us.items():
        print(f"{name}, µs each {taken.per}: {cost_us:,.2f}")


if __name__ == "__main__":
    main()
