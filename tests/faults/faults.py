"""The table of faults: each row is injected by one function, at a small size for every day and at the full size.

To add one: write its function beside its like, and a row here. `reach` is the sentence of docs/guarantees.md.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults import cancels, deaths, hostile, links, outages, readers, soak, work
from tests.faults.run import Run, Size


@dataclass(frozen=True, slots=True)
class Fault:
    """One row. `inject` runs it: load, faults, judgement."""

    name: str
    inject: Callable[[Run], Awaitable[None]]
    small: Size
    full: Size
    reach: str


def _full(streams: int, times: int, at_once: int, deltas: int = 40, tps: float = 20) -> Size:
    return Size(streams, times, at_once, deltas, tps, small=False)


FAULTS: tuple[Fault, ...] = (
    Fault(
        "kill -9 of random workers",
        deaths.killed_workers,
        Size(60, 3, at_once=16, deltas=60, tps=50),
        _full(2000, 200, at_once=16, deltas=200, tps=80),
        "0 lost, doubled, mixed or hung; kill to next event or named error ≤ lease + 2 s at p99, jobs waiting too",
    ),
    Fault(
        "worker paused for two leases",
        deaths.paused_workers,
        Size(0, 2, at_once=8),
        _full(0, 50, at_once=20),
        "0 stale events; its upstream calls closed ≤ 2 s after it wakes; also when its jobs were cancelled",
    ),
    Fault(
        "kill -9 of random gateways",
        deaths.killed_gateways,
        Size(30, 3, at_once=20, deltas=60, tps=40),
        _full(1000, 100, at_once=60, deltas=100, tps=25),
        "100 % resumed, 0 lost, 0 doubled, 0 extra upstream calls",
    ),
    Fault(
        "rolling SIGTERM of gateways and workers",
        deaths.rolling_stop,
        Size(40, 1, at_once=30, deltas=50, tps=25),
        _full(1200, 3, at_once=300, deltas=100, tps=5),
        "0 failed, doubled or regenerated; every body properly ended; one longer than the drain: its named error",
    ),
    Fault(
        "Redis restarted with its AOF",
        outages.restarted,
        Size(0, 2, at_once=30, deltas=60),
        _full(0, 20, at_once=500, deltas=200, tps=2),
        "no process exits, no gap, no hang; ≥ 99 % complete, the rest a named error ≤ 10 s",
    ),
    Fault(
        "Redis restarted, its AOF's tail cut off",
        outages.tail_cut,
        Size(0, 2, at_once=30, deltas=60),
        _full(0, 20, at_once=500, deltas=200, tps=2),
        "100 % of the jobs hit end in a named error, no gap",
    ),
    Fault(
        "Redis restarted without persistence",
        outages.emptied,
        Size(0, 1, at_once=30, deltas=60),
        _full(0, 10, at_once=100, deltas=200, tps=10),
        "100 % named errors ≤ 10 s; new work served ≤ 3 s after its return",
    ),
    Fault(
        "pub/sub connections killed every 500 ms",
        outages.pubsub_killed,
        Size(30, 0),
        _full(200, 0, at_once=200, tps=5),
        "0 lost, 0 doubled, added delay ≤ 300 ms at p99",
    ),
    Fault(
        "Redis frozen for 3 s",
        links.frozen,
        Size(0, 1, at_once=20, deltas=100),
        _full(0, 20, at_once=100, deltas=100),
        "not ready ≤ 3 s, recovered ≤ 5 s, 0 exits, 0 lost or doubled",
    ),
    Fault(
        "Redis cut off from the workers",
        links.cut_off_workers,
        Size(0, 2, at_once=20, deltas=60),
        _full(0, 20, at_once=100, deltas=100),
        "not ready ≤ 3 s, recovered ≤ 5 s, 0 exits, 0 lost or doubled",
    ),
    Fault(
        "Redis cut off from the gateways",
        links.cut_off_gateways,
        Size(0, 2, at_once=20, deltas=60),
        _full(0, 20, at_once=100, deltas=100),
        "not ready ≤ 3 s, recovered ≤ 5 s, 0 exits, 0 lost or doubled",
    ),
    Fault(
        "upstream fails",
        links.failing_upstream,
        Size(0, 1, at_once=4, deltas=60),
        _full(0, 1, at_once=100, deltas=60),
        "429, 529, errors, cuts, stalls and garbage: the defined ending, 100 %",
    ),
    Fault(
        "stalled and 1 kB/s readers",
        readers.slow_readers,
        Size(0, 1, at_once=20),
        _full(0, 5, at_once=200),
        "normal delay ≤ 1.5 × at p99; ≤ 256 KiB of memory per stalled stream; later resume complete",
    ),
    Fault(
        "clients vanish without a FIN",
        readers.vanished,
        Size(20, 1),
        _full(500, 1, at_once=500),
        "resources freed ≤ 45 s; upstream cancelled ≤ grace + 2 s after that",
    ),
    Fault(
        "cancel while queued, starting, running, silent",
        cancels.cancelled,
        Size(0, 1, at_once=6),
        _full(0, 6, at_once=42),
        "upstream closed ≤ 500 ms at p99, ≤ 2 s without the nudge; no later event",
    ),
    Fault(
        "the same POST ten times at once, gateways killed",
        work.same_post,
        Size(6, 1, at_once=3, deltas=60),
        _full(100, 1, at_once=10, deltas=60),
        "exactly one upstream call a key; another body 422",
    ),
    Fault(
        "a job that kills its worker",
        work.poisoned,
        Size(0, 1, deltas=40, tps=40),
        _full(0, 10, deltas=40, at_once=4, tps=40),
        "≤ 3 claims, named error, other streams unharmed",
    ),
    Fault(
        "clocks 5 s apart",
        work.skewed,
        Size(30, 1),
        _full(200, 1, at_once=1),
        "added first token ≤ 20 ms",
    ),
    Fault(
        "foreign and random ids",
        hostile.foreign_ids,
        Size(400, 1),
        _full(10_000, 1, at_once=16),
        "all 404, identical",
    ),
    Fault(
        "malformed input",
        hostile.malformed,
        Size(1500, 1),
        _full(100_000, 1, at_once=16),
        "no 5xx",
    ),
    Fault(
        "soak with random faults",
        soak.soaked,
        Size(0, 12, at_once=20, tps=40),
        _full(0, 1800, at_once=60, deltas=200, tps=10),
        "memory, descriptors, tasks, Redis keys back to base",
    ),
)
