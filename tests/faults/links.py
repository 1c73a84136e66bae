"""Faults between the processes: Redis frozen, Redis cut off on one side, and an upstream that fails in every way.

Invariant: what hangs is told apart from what is refused: a frozen or blackholed Redis takes connections and says
nothing, a cut one resets them.
Does not know: how a run is judged.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from time import monotonic

from tests.faults.checker import Rules
from tests.faults.clients import PASSING, Client, Crowd
from tests.faults.house import House
from tests.faults.proxy import Proxy
from tests.faults.run import LEASE_S, Run, mid_stream
from tests.faults.wire import call
from tests.support.process import Process

FROZEN_S = 3.0
_POLL_S = 0.05
_ANSWER_S = 2.5  # a process whose /readyz is silent for longer is not ready
_PATIENT = PASSING | {"redis_unavailable"}


class Readiness:
    """When processes said that they are not ready, and when they were again, after an outage began and ended."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._processes = processes
        self.unready_s: list[float] = []
        self.recovered_s: list[float] = []

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[Callable[[], None]]:
        """While the block runs; it calls what it is given when the outage is over."""
        began, over = monotonic(), asyncio.Event()
        healed: list[float] = []

        def end() -> None:
            healed.append(monotonic())
            over.set()

        watches = [asyncio.create_task(self._watch(process, began, over, healed)) for process in self._processes]
        yield end
        end()
        await asyncio.gather(*watches)

    async def _watch(self, process: Process, began: float, over: asyncio.Event, healed: list[float]) -> None:
        unready = float("inf")
        while not over.is_set():
            if not await _ready(process):
                unready = monotonic() - began
                break
            await asyncio.sleep(_POLL_S)
        await over.wait()
        while not await _ready(process):
            assert monotonic() < healed[0] + 20.0, f"{process.name} is not ready again"
            await asyncio.sleep(_POLL_S)
        self.unready_s.append(unready)
        self.recovered_s.append(monotonic() - healed[0])


async def _ready(process: Process) -> bool:
    try:
        async with asyncio.timeout(_ANSWER_S):
            return (await call(process.url, "GET", "/readyz", {})).status == 200
    except TimeoutError:
        return False


async def frozen(run: Run) -> None:
    """Redis is stopped for 3 s and goes on: nobody is told anything, nothing is lost."""
    async with run.house() as (house, crowd):
        await house.start(gateways=1, workers=2)
        readiness = Readiness([*house.gateways, *house.workers.values()])
        for _ in range(run.size.times):
            await _fill(run, crowd)
            run.inject("SIGSTOP of Redis")
            house.ground.server.freeze()
            try:
                async with readiness.watched() as healed:
                    await asyncio.sleep(FROZEN_S)
                    house.ground.server.thaw()
                    healed()
            finally:
                house.ground.server.thaw()
            await crowd.finish()
        await run.conclude(house, Rules())
        _figures(run, readiness)


async def cut_off_workers(run: Run) -> None:
    """The workers lose Redis: reset and refused, or silently; what they ran ends by name or goes on."""
    await _cut_off(run, of_workers=True, names=frozenset({"worker_lost"}))


async def cut_off_gateways(run: Run) -> None:
    """The gateways lose Redis, as above; their clients come back, and nothing is lost or asked twice."""
    await _cut_off(run, of_workers=False, names=frozenset())


async def _cut_off(run: Run, *, of_workers: bool, names: frozenset[str]) -> None:
    off_s = 4.0 if run.size.small else 10.0
    async with run.house() as (house, crowd), Proxy(house.socket_path) as proxy:
        through = {"REDIS_URL": f"redis://127.0.0.1:{proxy.port}"}
        await asyncio.gather(
            house.add_gateway(**({} if of_workers else through)),
            *(house.add_worker(**(through if of_workers else {})) for _ in range(2)),
        )
        readiness = Readiness([*house.workers.values()] if of_workers else house.gateways)
        for turn in range(run.size.times):
            await _fill(run, crowd)
            how = ("cut", "blackhole")[turn % 2]
            run.inject(how, "workers" if of_workers else "gateways")
            async with readiness.watched() as healed:
                async with proxy.broken(how, off_s):
                    pass
                healed()
            await crowd.finish()
        run.notes["connections hit"] = proxy.hit
        await run.conclude(house, Rules(names, close_s=LEASE_S + 2.0))
        _figures(run, readiness)


async def _fill(run: Run, crowd: Crowd) -> None:
    asked = [crowd.ask(run.size.scenario, passing=_PATIENT, limit_s=60.0) for _ in range(run.size.at_once)]
    await mid_stream(crowd, len(asked))
    await run.pause(0.0, 0.5)


def _figures(run: Run, readiness: Readiness) -> None:
    run.figure("not ready after, worst", max(readiness.unready_s), "s", 3.0, busy=1.3)
    run.figure("recovered after, worst", max(readiness.recovered_s), "s", 5.0)


# What the upstream does -> scenario, ending, upstream calls.
FAILURES: dict[str, tuple[str, str, int]] = {
    "429": ("error status=429 retry-after=1 events={}", "rate_limit_error", 3),
    "529": ("error status=529 events={}", "overloaded_error", 3),
    "529, then an answer": ("error status=529 then-ok=1 events={}", "done", 2),
    "error first": ("error-first status=529 events={}", "overloaded_error", 3),
    "error in mid-stream": ("error-mid-stream after=8 status=529 tps=100 events={}", "overloaded_error", 1),
    "cut": ("cut after=8 tps=100 events={}", "upstream_cut", 1),
    "reset": ("cut after=8 reset tps=100 events={}", "upstream_cut", 1),
    "cut before content": ("cut before=content events={}", "upstream_cut", 3),
    "stall": ("stall after=8 tps=100 events={}", "upstream_stalled", 1),
    "stall before content": ("stall before=content events={}", "upstream_stalled", 3),
    # Slower: a worker that is behind would read words and garbage at once, and may then ask again.
    "garbage": ("garbage after=8 tps=20 events={}", "upstream_garbled", 1),
}
# What the proxy in front of it does in mid-stream -> ending.
BREAKS = {"reset": "upstream_cut", "half_close": "upstream_cut", "blackhole": "upstream_stalled", "slow": "done"}
_NAMES = frozenset(ending for _, ending, _ in FAILURES.values()) | frozenset(BREAKS.values())


async def failing_upstream(run: Run) -> None:
    """Every failure of the upstream, by its own doing and by the network's: each has the ending that was defined."""
    async with (
        run.house(SLUICE_UPSTREAM_IDLE_S=1, SLUICE_HOLD_S=8) as (house, crowd),
        Proxy(house.ground.upstream_url.removeprefix("http://")) as proxy,
    ):
        await house.start(1, 1, ANTHROPIC_BASE_URL=f"http://127.0.0.1:{proxy.port}")
        for what, (scenario, ending, calls) in FAILURES.items():
            asked = [crowd.ask(scenario.format(run.size.deltas)) for _ in range(run.size.at_once)]
            run.inject(what, "upstream")
            await asyncio.gather(*(client.task for client in asked))
            made = {len(await _calls(house, client)) for client in asked}
            _as_defined(run, what, asked, ending)
            run.demand(made == {calls}, f"{what}: {made} upstream calls, {calls} are defined")
        for how, ending in BREAKS.items():
            await _break(run, proxy, crowd, how, ending)
        run.notes["connections hit"] = proxy.hit
        await run.conclude(house, Rules(_NAMES, calls=3))


async def _calls(house: House, client: Client) -> list[object]:
    return [one for one in await house.calls() if one["label"] == client.stream.label]


async def _break(run: Run, proxy: Proxy, crowd: Crowd, how: str, ending: str) -> None:
    asked = [crowd.ask(f"text events={run.size.deltas} tps=40") for _ in range(run.size.at_once)]
    await mid_stream(crowd, len(asked))
    run.inject(how, "the link to the upstream")
    if how == "slow":
        proxy.delay_s, proxy.bytes_per_s = 0.05, 20_000.0
    else:
        getattr(proxy, how)()
    await asyncio.gather(*(client.task for client in asked))
    proxy.heal()
    _as_defined(run, how, asked, ending)


def _as_defined(run: Run, what: str, asked: Sequence[Client], ending: str) -> None:
    ended = [client.stream.outcome for client in asked]
    run.demand(set(ended) == {ending}, f"{what}: {sorted(set(ended))}, {ending} is defined")
