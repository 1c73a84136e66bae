"""The command: what is measured, at which size; run, print, keep.

Does not know: how anything is measured.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import uvloop

from bench import machine, peers, plots, ratios, readme
from bench.alone import alone, scaled
from bench.arrivals import OpenLoop
from bench.deltas import PacedDeltas
from bench.failure import BenchFailed
from bench.first_token import AtOnce, Idle
from bench.house import House
from bench.load import Saturated, Short
from bench.measure import Measure
from bench.rounds import Results, take_rounds
from bench.tables import added_table, cost_table, figure_table
from bench.target import Target
from bench.upstream import standin

_MUST_NOT_FAIL = (": Sluice:", ", Sluice:", ", direct:", ", Sluice 2+2:")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. `at_once` pairs the streams of a moment with the moments of a round; `paced` are numbers
    of streams; `alone` is whether Sluice is looked at by itself too."""

    rounds: int
    idle_samples: int
    at_once: tuple[tuple[int, int], ...]
    paced: tuple[int, ...]
    window_s: float
    answer_events: int = 5_000
    arrivals: bool = True
    alone: bool = False


FULL = Size(3, 200, ((100, 4), (300, 2)), (100, 300), 4.0, alone=True)
SMALL = Size(1, 60, ((100, 1),), (20,), 0.8, answer_events=1_000, arrivals=False)
QUICK = Size(1, 10, ((20, 1),), (10,), 1.0, answer_events=1_000)


def main() -> None:
    """Exit code: 0 measured, 1 a figure of Sluice or of the direct call is missing, or has doubled; 2 wrong usage."""
    options = _parser().parse_args()
    # A collection in the load client would be seen as a delay of what it measures; it makes little garbage.
    gc.disable()
    size = QUICK if options.quick else SMALL if options.small else FULL
    kinds = peers.IN_THIS_ENVIRONMENT + (peers.IN_THEIR_OWN if options.peers else ())
    if options.small:
        kinds = (peers.tutorial,)
    try:
        report, beside = _run(size, kinds, options.rounds or size.rounds, options.only, options.alone)
    except BenchFailed as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
    print(report)
    if options.write:
        readme.keep(report)
        plots.draw(beside)
    if options.small and options.keep_ratios:
        ratios.keep(beside)
    elif options.small and not options.only:
        sys.exit(1 if _doubled(beside, lambda: _run(size, kinds, size.rounds, "", False)[1]) else 0)
    if any(mark in line for line in report.split("\n") if line.startswith("- failed") for mark in _MUST_NOT_FAIL):
        sys.exit(1)


def _doubled(results: Results, again: Callable[[], Results]) -> list[str]:
    """What has doubled in both of two runs, told; the second is made if the first shows any: it may have been a moment
    in which something else was busy."""
    first = ratios.doubled(results)
    second = ratios.doubled(again()) if first else {}
    for name in first.keys() & second.keys():
        print(f"bench: {name}: {first[name]}, and again: {second[name]}", file=sys.stderr)
    return sorted(first.keys() & second.keys())


def _run(size: Size, kinds: tuple[peers.Kind, ...], rounds: int, only: str, alone_too: bool) -> tuple[str, Results]:
    with contextlib.ExitStack() as stack:
        direct = stack.enter_context(standin())
        house = stack.enter_context(House(direct))
        others, absent = peers.start_all(kinds, direct, stack)
        targets = [direct, house.sluice, *others]
        metered = {pid for target in targets for pid in target.processes().values()}
        strangers = machine.Strangers(metered)
        wanted = [measure for measure in _measures(size) if only in measure.title]
        beside = _take(wanted, targets, rounds)
        share = strangers.share()
        parts = [_told(beside, absent, rounds, share), figure_table(beside), added_table(beside), cost_table(beside)]
        if size.alone or alone_too:
            own = _take([measure for measure in alone(direct, house) if only in measure.title], [house.sluice], rounds)
            parts += [*_failures(own), figure_table(own), cost_table(own)]
            wanted = [measure for measure in scaled(size.window_s) if only in measure.title]
            if wanted:
                with House(direct, workers=2, gateways=2, name="Sluice 2+2") as two:
                    pair = _take(wanted, [house.sluice, two.sluice], rounds)
                parts += [*_failures(pair), figure_table(pair), cost_table(pair)]
    return "\n\n".join(part for part in parts if part), beside


def _take(measures: Sequence[Measure], targets: Sequence[Target], rounds: int) -> Results:
    return uvloop.run(take_rounds(measures, targets, rounds, _tell))


def _told(results: Results, absent: list[str], rounds: int, share: float) -> str:
    noise = f"{rounds} rounds; others used {share:.1%} of the machine's CPU time meanwhile"
    lines = [*machine.described(), noise, *(f"absent: {_line(why)}" for why in absent)]
    return "\n".join([*(f"- {line}" for line in lines), *_failures(results)])


def _failures(results: Results) -> list[str]:
    return ["\n".join(f"- failed in {_line(why)}" for why in results.failed)] if results.failed else []


def _line(words: str) -> str:
    return " ".join(words.split())[:400]


def _measures(size: Size) -> list[Measure]:
    return [
        Idle(size.idle_samples),
        *(AtOnce(streams, moments) for streams, moments in size.at_once),
        *(PacedDeltas(streams, 80, size.window_s) for streams in size.paced),
        Saturated(16, size.answer_events, size.window_s),
        Short(24, size.window_s),
        *([OpenLoop(40, size.window_s)] if size.arrivals else []),
    ]


def _tell(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description="What Sluice costs, beside the direct call and others.")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="does it measure? Its figures say little")
    size.add_argument("--small", action="store_true", help="half a minute: fails if a kept ratio has doubled")
    size.add_argument("--write", action="store_true", help="keep figures and plots in bench/")
    parser.add_argument("--peers", action="store_true", help="also those that `make bench-peers` installed")
    parser.add_argument("--alone", action="store_true", help="also what is measured of Sluice by itself (full: always)")
    parser.add_argument("--only", default="", help="only the measures whose title has this in it")
    parser.add_argument("--rounds", type=int, default=0)
    parser.add_argument("--keep-ratios", action="store_true", help="with --small: these are the ratios from now on")
    return parser
