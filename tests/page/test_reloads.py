"""Reloads at 50 random moments of an answer: the complete text each time, and Claude asked once a time. `make page`."""

import asyncio
import random

import pytest

from tests.page.conftest import SLOTS, NewTab
from tests.support.api import Api

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.heavy_page, pytest.mark.timeout(600)]
_MOMENTS = 50
_SEED = 20_261
_ANSWER_S = 3.0


async def test_reloads_at_random_moments(new: NewTab, upstream: Api) -> None:
    """The moments lie anywhere between the sending and the end, and a bit behind it."""
    chance = random.Random(_SEED)
    moments_s = [chance.uniform(0, _ANSWER_S * 1.1) for _ in range(_MOMENTS)]
    print(f"seed {_SEED}")
    before = await _asked_of(upstream)
    turns = asyncio.Semaphore(SLOTS)

    async def reloaded(number: int) -> tuple[bool, list[str], list[str]]:
        async with turns:
            tab = await (await new()).open()
            await tab.ask(f"[[sim:text tps=50 events=150]] Compare apples and pears, number {number}")
            await tab.until("() => location.hash.startsWith('#conv_')")
            await asyncio.sleep(moments_s[number])
            running = await tab.page.locator(".answer[aria-busy=true]").count() == 1
            await tab.page.reload()
            await tab.until_ended()
            content = await tab.page.evaluate(_KEPT)
            outcome = running, await tab.shown(), await tab.whole(content)
            await tab.page.context.close()
            return outcome

    outcomes = await asyncio.gather(*map(reloaded, range(_MOMENTS)))
    assert all(shown == whole and len(whole[0]) > 400 for _, shown, whole in outcomes)
    in_mid_answer = sum(running for running, _, _ in outcomes)
    print(f"{_MOMENTS} reloads, {in_mid_answer} of them in mid-answer")
    assert in_mid_answer > _MOMENTS / 2
    assert await _asked_of(upstream) == before + _MOMENTS


_KEPT = """async () => {
  const found = await (await fetch(`/v1/conversations/${location.hash.slice(1)}`)).json();
  const { content } = found.messages.at(-1);
  return typeof content === "string" ? content : content.map((block) => block.text ?? "").join("");
}"""


async def _asked_of(upstream: Api) -> int:
    calls = (await upstream.send("GET", "/simulator/calls", params={"limit": "10000"})).json()
    return sum(call["path"].startswith("/v1/messages") for call in calls)
