"""The command `python -m bench.growth`: doubles one thing at a time, and fits how the cost grows with it.

Invariant: the cost is CPU time of all of Sluice's processes for the whole of the work, so an exponent of 1 is a cost
that grows with the work, and what is above 1 by more than the noise is called superlinear. More processes for the same
work should cost the same: exponent 0.
Does not know: why something grows.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import math
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import uvloop

from bench import doublings, machine
from bench.failure import BenchFailed
from bench.house import House
from bench.tables import table
from bench.target import Target
from bench.upstream import standin
from bench.usage import OUTSIDE

Cost = Mapping[str, float]
"""CPU seconds by process name."""
_NOISE = 0.15


@dataclass(frozen=True, slots=True)
class Doubling:
    """What is doubled, the sizes, the exponent that is right, and how the cost of a size is taken."""

    title: str
    sizes: Sequence[int]
    right: float
    cost: Callable[[Target, int], Awaitable[Cost]]
    house: Callable[[Target, int], House] = lambda direct, _: House(direct)


DOUBLINGS = (
    Doubling("streams (20 events/s each, 3 s)", (25, 50, 100, 200, 400), 1, doublings.streams),
    Doubling("answer length, events (20 answers)", (250, 500, 1_000, 2_000, 4_000), 1, doublings.answers),
    Doubling("replay length, events (10 replays)", (500, 1_000, 2_000, 4_000, 8_000), 1, doublings.replays),
    Doubling(
        "queue length, jobs (one slot)",
        (125, 250, 500, 1_000),
        1,
        doublings.queue,
        lambda direct, _: House(direct, slots=1),
    ),
    Doubling(
        "workers (100 streams × 40/s, 3 s)", (1, 2, 4), 0, doublings.steady, lambda direct, n: House(direct, workers=n)
    ),
    Doubling(
        "gateways (100 streams × 40/s, 3 s)",
        (1, 2, 4),
        0,
        doublings.steady,
        lambda direct, n: House(direct, gateways=n),
    ),
)


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The slope of the straight line through the logarithms, by least squares."""
    xs, ys = [math.log(size) for size in sizes], [math.log(max(cost, 1e-6)) for cost in costs]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    return above / sum((x - x_mean) ** 2 for x in xs)


def _take(direct: Target, doubling: Doubling, sizes: Sequence[int]) -> list[dict[str, float]]:
    """The cost of each size by kind of process, in ms. One house serves all sizes, unless the size is the house."""
    taken = []
    with contextlib.ExitStack() as stack:
        house = None
        for size in sizes:
            print(f"{doubling.title}: {size}", file=sys.stderr, flush=True)
            if house is None or doubling.right == 0:
                stack.close()
                house = stack.enter_context(doubling.house(direct, size))
                uvloop.run(_ignored(doubling.cost(house.sluice, min(sizes))))  # the first of its kind warms up
            taken.append(_by_kind(uvloop.run(_ignored(doubling.cost(house.sluice, size)))))
    return taken


async def _ignored(cost: Awaitable[Cost]) -> Cost:
    return await cost


def _by_kind(cost: Cost) -> dict[str, float]:
    kinds: defaultdict[str, float] = defaultdict(float)
    for name, seconds in cost.items():
        if name not in OUTSIDE:
            kinds[name.rstrip(" 0123456789")] += seconds * 1e3
            kinds["all"] += seconds * 1e3
    return kinds


def _rows(doubling: Doubling, sizes: Sequence[int], taken: Sequence[Mapping[str, float]]) -> list[list[str]]:
    rows = []
    for kind in ("worker", "gateway", "valkey-server", "all"):
        fitted = exponent(sizes, [cost[kind] for cost in taken])
        verdict = "superlinear" if fitted > max(1, doubling.right) + _NOISE else ""
        if doubling.right == 0 and fitted > _NOISE:
            verdict = "grows"
        shown = ", ".join(f"{size:,}: {cost[kind]:,.0f}" for size, cost in zip(sizes, taken, strict=True))
        rows.append([doubling.title if kind == "worker" else "", kind, shown, f"{fitted:.2f}", verdict])
    return rows


def _measure(doublings_: Sequence[Doubling], quick: bool) -> str:
    rows: list[list[str]] = []
    with standin() as direct:
        for doubling in doublings_:
            sizes = doubling.sizes[:2] if quick else doubling.sizes
            rows += _rows(doubling, sizes, _take(direct, doubling, sizes))
    lines = "\n".join(f"- {line}" for line in machine.described())
    return f"{lines}\n\n{table(['doubled', 'process', 'CPU, ms', 'exponent', 'verdict'], rows)}"


def main() -> None:
    """Exit code: 0 measured, 1 there are no figures that could be trusted, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="bench.growth", description="How cost grows with the work.")
    parser.add_argument("--quick", action="store_true", help="two sizes of each: does it measure?")
    parser.add_argument("--only", default="", help="only what has this in its title")
    options = parser.parse_args()
    gc.disable()
    try:
        print(_measure([one for one in DOUBLINGS if options.only in one.title], options.quick))
    except BenchFailed as error:
        sys.exit(f"bench.growth: {error}")


if __name__ == "__main__":
    main()
