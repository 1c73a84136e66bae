"""Reloads at 50 random moments of answers: the complete text each time, and Claude asked once. `make page` runs it."""

import asyncio
import random

import pytest

from tests.page.conftest import NewTab
from tests.page.test_answers import asked_of, said
from tests.support.api import Api

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.heavy_page, pytest.mark.timeout(900)]
_ANSWERS = 10
_RELOADS_EACH = 5
_ANSWER_S = 10.0
_SEED = 20_261
_PACE = f"tps=24 events={int(24 * _ANSWER_S)}"


async def test_reloads_at_random_moments(new: NewTab, api: Api, upstream: Api) -> None:
    """The moments lie anywhere from the sending of a message to the end of its answer, several in each."""
    print(f"seed {_SEED}")
    chance = random.Random(_SEED)
    before = await asked_of(upstream)
    tab = await (await new()).open()
    in_mid_answer = 0
    for number in range(1, _ANSWERS + 1):
        await tab.page.click("#new")
        await tab.ask(f"[[sim:text {_PACE}]] Compare apples and pears, number {number}")
        await tab.until("() => location.hash.startsWith('#conv_')")
        moments_s = sorted(chance.uniform(0, _ANSWER_S) for _ in range(_RELOADS_EACH))
        for earlier_s, moment_s in zip([0.0, *moments_s], moments_s, strict=False):
            await asyncio.sleep(moment_s - earlier_s)
            in_mid_answer += await tab.page.locator(".answer[aria-busy=true]").count()
            await tab.page.reload()
        await tab.until_ended()
        text = await said(api)
        assert len(text) > 600
        assert await tab.shown() == await tab.whole(text)
    print(f"{_ANSWERS * _RELOADS_EACH} reloads, {in_mid_answer} of them in mid-answer")
    assert in_mid_answer > _ANSWERS * _RELOADS_EACH / 2
    assert await asked_of(upstream) == before + _ANSWERS
