"""The command: what is measured, at which size; run, print, keep.

Does not know: how anything is measured.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from dataclasses import dataclass

import uvloop

from bench import machine, readme
from bench.deltas import PacedDeltas
from bench.failure import BenchFailed
from bench.first_token import AtOnce, Idle
from bench.house import House
from bench.measure import Measure
from bench.rounds import take_rounds
from bench.tables import cost_tables, delay_table
from bench.usage import Meter, Processes


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. `at_once` pairs the streams of a moment with the moments of a round; `paced` are numbers
    of streams."""

    rounds: int
    idle_samples: int
    at_once: tuple[tuple[int, int], ...]
    paced: tuple[int, ...]
    window_s: float


FULL = Size(rounds=3, idle_samples=300, at_once=((20, 15), (100, 5)), paced=(20, 100), window_s=5.0)
QUICK = Size(rounds=1, idle_samples=40, at_once=((20, 1), (100, 1)), paced=(20,), window_s=0.5)
_EVENTS_PER_S = 80


def main() -> None:
    """Exit code: 0 measured, 1 there are no figures that could be trusted, 2 wrong usage."""
    options = _parser().parse_args()
    # A collection in the load client would be seen as a delay of what it measures; it makes little garbage.
    gc.disable()
    try:
        figures = _measure(QUICK if options.quick else FULL)
    except BenchFailed as error:
        sys.exit(f"bench: {error}")
    print(figures)
    if options.write:
        readme.keep(figures)


def _measure(size: Size) -> str:
    with House() as house:
        strangers = machine.Strangers(_metered(house).values())
        measures = _measures(size, Meter(lambda: _metered(house)))
        results = uvloop.run(take_rounds(measures, (house.direct, house.sluice), size.rounds, _tell))
        share = strangers.share()
    noise = f"{size.rounds} rounds; others used {share:.1%} of the machine's CPU time meanwhile"
    lines = "\n".join(f"- {line}" for line in (*machine.described(), noise))
    return "\n\n".join([lines, delay_table(results), cost_tables(results)])


def _measures(size: Size, meter: Meter) -> list[Measure]:
    return [
        Idle(size.idle_samples),
        *(AtOnce(streams, moments) for streams, moments in size.at_once),
        *(PacedDeltas(streams, _EVENTS_PER_S, size.window_s, meter) for streams in size.paced),
    ]


def _metered(house: House) -> Processes:
    return {**house.processes(), "load client": os.getpid()}


def _tell(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="What Sluice adds to the same calls made directly.")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a check of 20 s: does it measure? Its figures say little")
    size.add_argument("--write", action="store_true", help="keep the figures in bench/README.md")
    return parser
