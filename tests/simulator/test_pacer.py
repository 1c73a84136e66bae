"""The clock that all streams share."""

import asyncio
import time

from simulator.pacer import SLACK_S, Pacer
from tests.support.facts import true


async def test_calls_come_in_their_order_and_not_early() -> None:
    """Whatever the order of asking, each is called at its time."""
    pacer = Pacer()
    began = time.monotonic()
    came: list[tuple[float, float]] = []
    for wait_s in (0.03, 0.01, 0.02, 0.0):
        pacer.call_at(began + wait_s, lambda now_s, wait_s=wait_s: came.append((wait_s, now_s - began)))  # type: ignore[misc]  # a lambda's default has no annotation

    async def all_came() -> bool:
        return len(came) == 4

    await true(all_came)
    assert [wait_s for wait_s, _ in came] == [0.0, 0.01, 0.02, 0.03]
    assert all(at_s >= wait_s - SLACK_S for wait_s, at_s in came)


async def test_a_call_taken_back_is_not_made() -> None:
    """Cancelled calls are not made, others at the same time are."""
    pacer = Pacer()
    came: list[str] = []
    due_s = time.monotonic() + 0.01
    pacer.call_at(due_s, lambda now_s: came.append("cancelled")).cancel()
    pacer.call_at(due_s, lambda now_s: came.append("kept"))

    async def one_came() -> bool:
        return bool(came)

    await true(one_came)
    assert came == ["kept"]


async def test_one_that_is_always_due_lets_others_run() -> None:
    """A stream without a pace asks to be called at once, again and again; the loop goes on."""
    pacer = Pacer()
    turns = 0

    def again(now_s: float) -> None:
        nonlocal turns
        turns += 1
        pacer.call_at(now_s, again)

    pacer.call_at(time.monotonic(), again)
    await asyncio.wait_for(asyncio.sleep(0.02), 1)
    assert turns > 10


async def test_a_late_caller_moves_the_timer_forward() -> None:
    """One that is due before all others does not wait for them."""
    pacer = Pacer()
    came = asyncio.Event()
    pacer.call_at(time.monotonic() + 30, lambda now_s: None)
    pacer.call_at(time.monotonic() + 0.01, lambda now_s: came.set())
    await asyncio.wait_for(came.wait(), 1)
