"""The checker catches what the tutorial's pattern loses when a worker, a gateway or the pub/sub link is killed."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from tests.faults.checker import Rules, check
from tests.faults.clients import Crowd
from tests.faults.history import History, Injected
from tests.faults.house import House
from tests.faults.run import mid_stream
from tests.support.cluster import Ground
from tests.support.process import Process

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = "text events=60 tps=30"
LIMIT_S = 5.0
STREAMS = 10
_numbers = count(1)


class Naive(House):
    """The baseline's two processes in place of the product's."""

    async def begin(self) -> None:
        self.worker, self.gateway = await asyncio.gather(self._start("worker"), self.another_gateway())

    async def another_gateway(self) -> Process:
        gateway = await self._start("gateway")
        gateway.url = gateway.said(r"ready: (\S+)")[1]
        self.gateways.append(gateway)
        return gateway

    async def _start(self, role: str) -> Process:
        settings = {
            "REDIS_URL": self.ground.server.url,
            "SLUICE_PREFIX": self.cluster.prefix,
            "ANTHROPIC_API_KEY": "naive-key",
            "ANTHROPIC_BASE_URL": self.ground.upstream_url,
            "PYTHONPATH": str(ROOT),
        }
        process = Process.python(
            f"naive-{role}-{next(_numbers)}", "tests.faults.baseline", settings, self.ground.directory, role
        )
        (self.cluster.workers if role == "worker" else self.cluster.gateways).append(process)
        await asyncio.to_thread(process.said, "ready: ")
        return process


@pytest.fixture
async def naive(ground: Ground) -> AsyncIterator[Naive]:
    house = Naive(ground, Random(1))
    async with house:
        await house.begin()
        yield house


async def _broken(naive: Naive, what: str) -> list[str]:
    """Some streams, one fault in their middle; answers what the checker says."""
    history, began = History(seed=1), monotonic()
    crowd = Crowd(naive.choose, history.streams, Random(1))
    others = [await naive.another_gateway()] if what == "gateway" else []
    naive.gateways = [naive.gateway]
    try:
        for _ in range(STREAMS):
            crowd.ask(SCENARIO, limit_s=LIMIT_S)
        await mid_stream(crowd, STREAMS)
        history.injected.append(Injected(monotonic(), what, ""))
        if what == "worker":
            naive.worker.kill()
        elif what == "gateway":
            naive.gateways = others  # that clients come back to
            naive.gateway.kill()
        elif what == "pub/sub":
            with naive.ground.client() as redis:
                redis.client_kill_filter(_type="pubsub")
        await crowd.finish()
    finally:
        await crowd.close()
    await naive.quiet(2.0)
    await naive.testify(history)
    history.calls = [one for one in history.calls if one["started"] > began]
    history.logs = {stream.job_id: [] for stream in history.streams}  # it keeps none: that is known
    return [found for found in check(history, Rules(cuts=True)) if "the log is gone" not in found]


async def test_without_a_fault_it_serves(naive: Naive) -> None:
    """Nothing is found but that nothing was broken."""
    assert await _broken(naive, "") == []


@pytest.mark.parametrize(
    ("what", "breach"),
    [
        ("worker", "open beyond its deadline"),
        ("gateway", "ended without a word"),
        ("pub/sub", "ended without a word"),
    ],
)
async def test_it_is_caught(naive: Naive, what: str, breach: str) -> None:
    """Each fault breaks every stream, and the checker says how."""
    found = await _broken(naive, what)
    assert len({line.partition(" ")[0] for line in found}) == STREAMS, found
    assert any(breach in line for line in found), found
