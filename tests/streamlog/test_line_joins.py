"""streamlog/line.py, when calls leave: those of a turn together, those made while answers are due behind these, and
none later than it is worth."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from unittest import mock

import pytest

from streamlog import line
from tests.streamlog.world import World
from tests.support.valkey import Valkey


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, no turn of the loop counts as a long one."""
    monkeypatch.setattr(line, "_PATIENCE_S", 60.0)


@contextmanager
def writes(world: World) -> Iterator[mock.MagicMock]:
    """What the world's line writes to its socket, while the block runs."""
    wire = world.line._wire
    assert wire is not None
    with mock.patch.object(wire, "transport", wraps=wire.transport) as written:
        yield written


def be_busy() -> None:
    """For longer than anything that was called may wait, without a turn of the loop."""
    until = monotonic() + 2 * line._PATIENCE_S
    while monotonic() < until:
        pass


async def test_calls_of_one_turn_leave_in_one_write(world: World, patient: None) -> None:
    """A hundred calls are one write to the socket, not a hundred."""
    await world.call("PING")
    with writes(world) as written:
        await asyncio.gather(*(world.call("EXISTS", "x") for _ in range(100)))
    assert written.write.call_count == 1


async def test_calls_join_while_answers_are_due(private: Valkey, patient: None) -> None:
    """An only call leaves at once; those made until its answer is there leave together behind it, unless they are many
    bytes."""
    async with World(private.url, timeout_s=5.0) as world:
        await world.call("PING")
        with writes(world) as written:
            private.freeze()  # no answer comes before all has been called
            calls = [world.line.command("EXISTS", "x")]
            for _ in range(5):
                await asyncio.sleep(0)
                calls.append(world.line.command("EXISTS", "x"))
            assert written.write.call_count == 1
            calls.append(world.line.command("EXISTS", b"x" * 100_000))
            await asyncio.sleep(0)
            assert written.write.call_count == 2
            calls.append(world.line.command("EXISTS", "x"))
            private.thaw()
            await asyncio.gather(*calls)
            assert written.write.call_count == 3


async def test_calls_leave_within_a_turn_of_the_loop_that_is_long(private: Valkey) -> None:
    """Those that have waited for 0.3 ms, whether or not answers are due: others could be working for them."""
    async with World(private.url, timeout_s=5.0) as world:
        await world.call("PING")
        with writes(world) as written:
            calls = []
            for number in range(1, 4):
                calls.append(world.line.command("EXISTS", "x"))
                be_busy()
                calls.append(world.line.command("EXISTS", "x"))
                assert written.write.call_count == number
            await asyncio.gather(*calls)
            assert written.write.call_count == 3


async def test_what_has_waited_leaves_though_answers_are_due(private: Valkey) -> None:
    """At the end of the turn in which it has waited for long enough."""
    async with World(private.url, timeout_s=5.0) as world:
        await world.call("PING")
        with writes(world) as written:
            private.freeze()
            calls = [world.line.command("EXISTS", "x")]
            await asyncio.sleep(0)
            calls.append(world.line.command("EXISTS", "x"))
            be_busy()
            await asyncio.sleep(0)
            assert written.write.call_count == 2
            private.thaw()
            await asyncio.gather(*calls)


async def test_what_belongs_together_waits_for_each_other(private: Valkey) -> None:
    """However long a turn of the loop takes, for the time that was asked for."""
    async with World(private.url, timeout_s=5.0) as world:
        await world.call("PING")
        with writes(world) as written:
            world.line.gather(60.0)
            calls = []
            for _ in range(3):
                calls.append(world.line.command("EXISTS", "x"))
                be_busy()
            assert written.write.call_count == 0
            await asyncio.gather(*calls)
            assert written.write.call_count == 1
            world.line.gather(0.0)
            calls = [world.line.command("EXISTS", "x")]
            be_busy()
            calls.append(world.line.command("EXISTS", "x"))
            assert written.write.call_count == 2
            await asyncio.gather(*calls)
