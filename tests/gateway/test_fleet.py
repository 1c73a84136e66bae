"""gateway/fleet.py: what this gateway knows of the fleet is as old as it says, and an outage says nothing."""

import math
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway.fleet import FleetView
from streamlog.log import Fleet
from telemetry.process import tally


class Log:
    """A log that answers what it is told."""

    def __init__(self) -> None:
        self.answer: Fleet | Exception = Fleet(0, 0.0, 0, 0)

    async def fleet(self) -> Fleet:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Clock:
    """A hand on the view's clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("gateway.fleet.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def view_of(log: Any) -> FleetView:
    return FleetView(log)


def gauge(name: str) -> float:
    value = tally.registry.get_sample_value(name)
    assert value is not None
    return value


async def test_a_reading_is_shown_in_the_gauges() -> None:
    """All four, as Redis said them."""
    log = Log()
    log.answer = Fleet(queued=3, oldest_s=1.5, leases=2, workers=4)
    view = view_of(log)
    assert await view.read() == log.answer == view.last
    shown = [gauge(f"sluice_{name}") for name in ("queue_depth", "queue_oldest_seconds", "leases", "workers")]
    assert shown == [3, 1.5, 2, 4]


@pytest.mark.parametrize("error", [RedisConnectionError("gone"), OSError("refused"), TimeoutError()])
async def test_a_reading_that_failed_clears_them(error: Exception) -> None:
    """No number is better than one that was true once."""
    log = Log()
    view = view_of(log)
    await view.read()
    log.answer = error
    assert await view.read() is None
    assert view.last is None
    assert math.isnan(gauge("sluice_queue_depth"))
    assert math.isnan(gauge("sluice_workers"))


async def test_time_without_workers_counts_from_when_one_was_seen(clock: Clock) -> None:
    """At the latest from the gateway's start."""
    log = Log()
    view = view_of(log)
    clock.now += 7
    await view.read()
    assert view.without_workers_s == 7
    log.answer = Fleet(0, 0.0, 0, 1)
    await view.read()
    assert view.without_workers_s == 0
    log.answer = Fleet(0, 0.0, 0, 0)
    clock.now += 3
    await view.read()
    assert view.without_workers_s == 3


async def test_an_outage_says_nothing_about_workers(clock: Clock) -> None:
    """After it they have some time to be seen again."""
    log = Log()
    view = view_of(log)
    log.answer = OSError("refused")
    clock.now += 600
    await view.read()
    assert view.without_workers_s == 2
    log.answer = Fleet(0, 0.0, 0, 0)
    clock.now += 2
    await view.read()
    assert view.without_workers_s == 4
