"""Faults of clients: readers that stall or trickle, and that vanish without a word.

Does not know: how a run is judged.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from statistics import median
from time import monotonic

from tests.faults.checker import Rules
from tests.faults.clients import KEY, Crowd, message
from tests.faults.history import Event, Response, Stream
from tests.faults.house import House
from tests.faults.outages import delays_s
from tests.faults.run import Run, mid_stream, p99
from tests.faults.wire import Wire, call, connect, request_bytes
from tests.support.process import Process

_WINDOW_BYTES = 4096  # of a slow reader's kernel: what is more has to wait in the gateway, or in Redis
_LONG = "text events=2500 tps=0"
_TRICKLE_BYTES = 1024
_SETTLES_S = 1.0  # until the kernels' buffers are full
GRACE_S = 2.0


class SlowReader:
    """Asks for a long answer, and from the first content on takes nothing, or 1 kB a second."""

    def __init__(self, run: Run, house: House, *, trickles: bool) -> None:
        self.stream = Stream(f"{run.name}-slow-{len(run.history.streams)}", _LONG, monotonic())
        run.history.streams.append(self.stream)
        self._url = house.choose()
        self._trickles = trickles
        self._phase_s = run.rng.uniform(0.0, 1.0)  # strangers do not read in step
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Returns when it has stalled."""
        response = Response("POST /v1/messages", self._url, monotonic())
        self.stream.responses.append(response)
        stalled = asyncio.Event()

        def stall(event: Event) -> None:
            if event.name == "content_block_delta" and not stalled.is_set():
                self._wire.transport.pause_reading()
                stalled.set()

        self._wire = Wire(response, stall)
        plain = await connect(self._url, self._wire, receive_bytes=_WINDOW_BYTES)
        body = json.dumps(message(_LONG, self.stream.label)).encode()
        self._wire.transport.write(request_bytes("POST", "/v1/messages", {"x-api-key": KEY, **_VERSION}, body))
        await asyncio.wait_for(stalled.wait(), 20.0)
        self.stream.job_id = response.headers["sluice-job-id"]
        if self._trickles:
            self._task = asyncio.create_task(self._trickle(plain))

    async def _trickle(self, plain: socket.socket) -> None:
        await asyncio.sleep(self._phase_s)
        while True:
            await asyncio.sleep(1.0)
            with contextlib.suppress(BlockingIOError):
                self._wire.data_received(plain.recv(_TRICKLE_BYTES))

    @property
    def stalled(self) -> bool:
        """Whether it has not come to the end of its answer."""
        return not self._wire.over.done()

    async def leave(self) -> None:
        """Its connection is aborted; what it had read stays read."""
        if self._task is not None:
            self._task.cancel()
        response = self.stream.responses[-1]
        response.how, response.ended = "left", monotonic()
        self._wire.transport.abort()


_VERSION = {"anthropic-version": "2023-06-01"}


async def slow_readers(run: Run) -> None:
    """Normal streams alone, and beside as many stalled and as many trickling readers, in turns.

    The slow readers of the last turn come back for the rest of their answers.
    """
    async with run.house() as (house, crowd):
        await house.start(1, 1)
        (gateway,) = house.gateways
        ratios, beside_ms, kib = [], [], []
        for turn in range(run.size.times):
            alone = await _normal(run, crowd)
            before_kib = memory_kib(gateway)
            slow = [SlowReader(run, house, trickles=False) for _ in range(run.size.at_once)]
            trickling = [SlowReader(run, house, trickles=True) for _ in range(run.size.at_once)]
            async with _open(house, slow):
                kib.append((memory_kib(gateway) - before_kib) / len(slow))
                async with _open(house, trickling):
                    run.inject("stalled and trickling readers", f"{2 * run.size.at_once}")
                    beside = await _normal(run, crowd)
                    run.demand(all(reader.stalled for reader in slow), "a stalled reader was not")
            ratios.append(p99(beside) / p99(alone))
            beside_ms.append(1000 * p99(beside))
            last = turn == run.size.times - 1
            for reader in [*slow, *trickling]:
                reader.stream.left = not last
                if last:
                    crowd.resume(reader.stream)
            await crowd.finish()
        await run.conclude(house, Rules(close_s=60.0))
        run.figure("memory a stalled stream, worst", max(kib), "KiB", 256.0, busy=3.0)
        if run.size.small:  # a ratio of so few says nothing, but that nobody is held up is seen
            run.figure("normal delay at p99 beside slow readers", median(beside_ms), "ms", 150.0)
        else:
            run.figure("normal delay at p99 beside slow readers, median of ratios", median(ratios), "times", 1.5)


@contextlib.asynccontextmanager
async def _open(house: House, readers: Sequence[SlowReader]) -> AsyncIterator[None]:
    try:
        await asyncio.gather(*(reader.open() for reader in readers))
        await house.quiet(60.0)  # their answers are whole in the log: what follows measures readers, not writers
        await asyncio.sleep(_SETTLES_S)
        yield
    finally:
        for reader in readers:
            await reader.leave()


async def _normal(run: Run, crowd: Crowd) -> list[float]:
    """Streams that are read as they come; their delays."""
    watched_s = 3.0 if run.size.small else 10.0
    asked = [crowd.ask(f"text events={int(20 * watched_s)} tps=20 stamp=1") for _ in range(run.size.at_once)]
    await asyncio.gather(*(client.task for client in asked))
    return delays_s([client.stream for client in asked])


def memory_kib(process: Process) -> float:
    """What the process holds for itself."""
    for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return float(line.split()[1])
    raise AssertionError("no Pss")


async def vanished(run: Run) -> None:
    """Clients whose machines are gone: their kernels drop everything, and say nothing."""
    send_s = 5 if run.size.small else 30
    async with run.house(SLUICE_GRACE_S=GRACE_S, SLUICE_SLOTS=run.size.streams, SLUICE_SEND_S=send_s) as (house, crowd):
        await house.start(1, 1)
        clients = [crowd.ask("text events=4000 tps=2", limit_s=120.0) for _ in range(run.size.streams)]
        await mid_stream(crowd, len(clients))
        gone = run.inject("packets dropped", f"{len(clients)} clients")
        for client in clients:
            assert client.wire is not None
            client.wire.vanish()
            client.stream.left = True
        freed = await _no_subscribers(house)
        run.figure("gateway's resources freed after", freed - gone, "s", 1.5 * send_s)
        await house.quiet(GRACE_S + 4.0)
        labels = {client.stream.label for client in clients}
        ended = [one["ended"] or float("inf") for one in await house.calls() if one["label"] in labels]
        run.figure("upstream calls closed after that, worst", max(max(ended) - freed, 0.0), "s", GRACE_S + 2.0)
        run.demand(len(ended) == len(clients), "a stream without an upstream call")
        await run.conclude(house, Rules(frozenset({"abandoned"})))


async def _no_subscribers(house: House, within_s: float = 60.0) -> float:
    (gateway,) = house.gateways
    deadline = monotonic() + within_s
    while monotonic() < deadline:
        state = json.loads((await call(gateway.url, "GET", "/readyz", {})).body)
        if state["subscribers"] == 0:
            return monotonic()
        await asyncio.sleep(0.1)
    return float("inf")
