"""The command `python -m bench.stalls`: what paced streams notice while others send bodies of 32 MB.

Invariant: the same streams and probes run under every load, directly and through Sluice, in one run.
Does not know: where a stall comes from; the table says which process did not answer.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import uvloop

from bench import machine, probes
from bench.bulk import Senders, image_request
from bench.failure import BenchFailed
from bench.figures import percentile
from bench.house import House
from bench.measure import connected, ended
from bench.sinks import DeltaDelays
from bench.tables import table
from bench.target import Target
from bench.upstream import standin

_STREAMS = 20
_EVENTS_PER_S = 80
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """Bodies of `size` bytes, `at_once` of them at the same time, for `window_s`."""

    title: str
    at_once: int
    size: int
    window_s: float


Samples = dict[str, Sequence[float]]
"""Milliseconds, by the row that they belong to."""


async def _take(house: House, direct: Target, target: Target, load: Load) -> tuple[int, Samples]:
    """How many bodies got through, and what was noticed meanwhile. Raises BenchFailed."""
    senders = Senders(target, image_request(target, load.size), load.at_once)
    events = round((2 * _SETTLE_S + load.window_s) * _EVENTS_PER_S)
    request = target.ask(events=events, events_per_s=_EVENTS_PER_S, stamp=True)
    sinks = [DeltaDelays() for _ in range(_STREAMS)]
    async with connected(target, _STREAMS) as connections:
        exchanges = [connection.ask(request, sink) for connection, sink in zip(connections, sinks, strict=True)]
        await asyncio.sleep(_SETTLE_S)
        async with probes.probing(_probed(house, direct)) as probed, senders.sending():
            begin_ns, end_ns = await _window(load.window_s)
        await ended(exchanges)
    samples: Samples = {
        "gap between two deltas": [gap / 1e6 for sink in sinks for gap in _gaps(sink, begin_ns, end_ns)],
        "delay of a delta": [delay / 1e6 for sink in sinks for delay in sink.between(begin_ns, end_ns)],
    }
    return senders.sent, samples | {
        f"{name} does not answer": [lag / 1e6 for lag in probe.lags_ns] for name, probe in probed.items()
    }


async def _window(window_s: float) -> tuple[int, int]:
    begin_ns = time.monotonic_ns()
    await asyncio.sleep(window_s)
    return begin_ns, time.monotonic_ns()


def _gaps(sink: DeltaDelays, begin_ns: int, end_ns: int) -> list[int]:
    """Between the arrivals of one stream; deltas of one read have none between them."""
    arrived = [stamp + delay for stamp, delay in zip(sink.stamps_ns, sink.delays_ns, strict=True)]
    return [after - before for before, after in pairwise(arrived) if begin_ns <= after < end_ns and after > before]


def _probed(house: House, direct: Target) -> list[probes.Probed]:
    return [
        probes.http("gateway", house.sluice, "/healthz", b'{"status": "ok"}'),
        *(probes.http(worker.name, worker, "/healthz", b'{"status": "ok"}') for worker in house.workers),
        probes.http("stand-in", direct, "/healthz", b'{"status": "ok"}'),
        probes.redis("valkey-server", house.redis_socket),
    ]


def _measure(loads: Sequence[Load]) -> str:
    with standin() as direct, House(direct, workers=2) as house:
        taken = {}
        for load in loads:
            for target in (direct, house.sluice):
                print(f"{load.title}, {target.name}", file=sys.stderr, flush=True)
                taken[load.title, target.name] = uvloop.run(_take(house, direct, target, load))
    head = [f"{title}, {name}" + (f" ({sent} sent)" if sent else "") for (title, name), (sent, _) in taken.items()]
    names = next(iter(taken.values()))[1]
    rows = [[name, *(_cell(samples[name]) for _, samples in taken.values())] for name in names]
    lines = "\n".join(f"- {line}" for line in machine.described())
    return f"{lines}\n\n{table(['ms: p99, longest', *head], rows)}"


def _cell(samples_ms: Sequence[float]) -> str:
    return f"{percentile(samples_ms, 0.99):.0f}, {max(samples_ms):.0f}"


def main() -> None:
    """Exit code: 0 measured, 1 there are no figures that could be trusted, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="bench.stalls", description="What streams notice of large bodies.")
    parser.add_argument("--quick", action="store_true", help="a check of 15 s: does it measure? Its figures say little")
    size, window_s = (1 << 20, 0.3) if parser.parse_args().quick else (32 << 20, 8.0)
    gc.disable()  # a collection here would be seen as a stall elsewhere
    loads = [
        Load("no body", 0, size, window_s),
        Load("one at a time", 1, size, window_s),
        Load("four at once", 4, size, window_s),
    ]
    try:
        print(_measure(loads))
    except BenchFailed as error:
        sys.exit(f"bench.stalls: {error}")


if __name__ == "__main__":
    main()
