"""The page in Chromium for those who use it: key, keyboard, screen reader, narrow screens, examples to copy, weight."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import ViewportSize

from tests.page.conftest import NewTab
from tests.support.cluster import Cluster

pytestmark = pytest.mark.asyncio(loop_scope="session")
_NODE = Path(__file__).resolve().parents[1] / "node"
_AXE = _NODE / "node_modules" / "axe-core" / "axe.min.js"
# axe takes the address of a conversation far down in the list for a skip link without a target.
_AXE_RUN = "axe.run(document, { resultTypes: ['violations'], rules: { 'skip-link': { enabled: false } } })"
_QUESTION = "[[sim:text tps=0]] Write a Python function that compares apples and pears"
_NARROW: ViewportSize = {"width": 360, "height": 700}
_WIDER_THAN_THE_SCREEN = (
    "() => document.scrollingElement.scrollWidth > innerWidth || [...document.querySelectorAll('main *')]"
)
_WIDER_THAN_THE_SCREEN += (
    ".some((one) => !one.closest('pre, .wide, .unseen') && one.getBoundingClientRect().right > innerWidth + 1)"
)


def _needs_npm() -> None:
    if not _AXE.exists():
        pytest.skip("needs npm ci --prefix tests/node")


def _axe() -> str:
    _needs_npm()
    return _AXE.read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(new: NewTab, scheme: str) -> None:
    """Empty, with an answer, with the drawer and with the dialog; wide and narrow."""
    axe = _axe()
    tab = await (await new(color_scheme=scheme, reduced_motion="reduce")).open()

    async def findings() -> list[tuple[str, str]]:
        await tab.page.evaluate(axe)
        found: dict[str, Any] = await tab.page.evaluate(_AXE_RUN)
        return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]]

    assert await findings() == []
    await tab.ask(_QUESTION)
    await tab.until_ended()
    assert await findings() == []
    await tab.page.set_viewport_size(_NARROW)
    await tab.page.click("#menu")
    assert await findings() == []
    await tab.page.click("#key-open")
    assert await findings() == []


async def test_a_server_with_keys_asks_for_one(new: NewTab, cluster: Cluster) -> None:
    """A wrong key is told; a right one opens; it stays in the tab, or on the device, as the person says."""
    gateway = cluster.add_gateway(SLUICE_API_KEYS="right-key")
    tab = await (await new(gateway.url)).open()
    for key, device in (("wrong-key", False), ("right-key", False)):
        await tab.until("() => document.getElementById('key-dialog').open")
        await tab.page.fill("#key", key)
        await tab.page.set_checked("#key-device", device)
        await tab.page.keyboard.press("Enter")
    await tab.ask(_QUESTION)
    await tab.until_ended()
    assert await tab.page.evaluate("[sessionStorage['sluice:key'], localStorage['sluice:key']]") == ["right-key", None]
    await tab.page.click("#key-open")
    await tab.page.set_checked("#key-device", True)
    async with tab.page.expect_navigation():
        await tab.page.click("#key-form button[type=submit]")
    assert await tab.page.evaluate("[sessionStorage['sluice:key'], localStorage['sluice:key']]") == [None, "right-key"]
    await tab.until_ended()


async def test_all_by_keyboard(new: NewTab) -> None:
    """The first stop leads to the message; every stop can be seen and has a name; Escape closes the drawer."""
    tab = await (await new(viewport=_NARROW)).open()
    await tab.page.focus("body")
    await tab.page.keyboard.press("Tab")
    assert await tab.page.evaluate("document.activeElement.textContent") == "Skip to the message"
    await tab.page.keyboard.press("Enter")
    assert await tab.page.evaluate("document.activeElement.id") == "message"
    await tab.page.keyboard.insert_text(_QUESTION)
    await tab.page.keyboard.press("Shift+Enter")
    await tab.page.keyboard.insert_text("Please.")
    await tab.page.keyboard.press("Enter")
    await tab.until_ended()
    assert await tab.text_of(".question") == f"{_QUESTION}\nPlease."
    await tab.page.focus("#menu")
    await tab.page.keyboard.press("Enter")
    assert await tab.page.evaluate("document.activeElement.id") == "new"
    await tab.page.evaluate("window.stops = new Set()")
    for _ in range(5):
        await tab.page.keyboard.press("Tab")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert await tab.page.evaluate(outline) == "solid"
        assert await tab.page.evaluate("document.activeElement.innerText || document.activeElement.id")
        await tab.page.evaluate("stops.add(document.activeElement)")
    assert await tab.page.evaluate("stops.size") == 5
    await tab.page.keyboard.press("Escape")
    assert await tab.page.evaluate("document.activeElement.id") == "menu"


async def test_a_screen_reader_is_told_whole_blocks(new: NewTab) -> None:
    """Each block once, politely, and the end; never the same words twice. On a busy machine also that it waits."""
    tab = await (await new()).open()
    await tab.page.evaluate("""() => {
      window.told = [];
      const log = document.getElementById('announcements');
      const note = () => told.push(...[...log.children].map((one) => one.textContent));
      new MutationObserver(note).observe(log, { childList: true });
    }""")
    await tab.ask("[[sim:text tps=60]] Compare apples and pears")
    await tab.until("() => told.includes('The answer is complete.')")
    told = await tab.page.evaluate("""told.filter(
      (one) => !one.endsWith('…') && !one.includes(' the queue') && one !== 'The answer is complete.')""")
    blocks = await tab.page.evaluate("[...document.querySelectorAll('.markdown > *')].map((one) => one.textContent)")
    assert told == blocks and len(blocks) > 3
    assert await tab.page.get_attribute("#announcements", "aria-live") == "polite"


async def test_it_fits_a_narrow_screen(new: NewTab) -> None:
    """Nothing is cut off at 360 pixels but what scrolls by itself; the list comes when it is asked for."""
    tab = await (await new(viewport=_NARROW)).open()
    await tab.until("() => !document.getElementById('assistant').hidden")
    assert not await tab.page.evaluate(_WIDER_THAN_THE_SCREEN)
    for number, question in enumerate((_QUESTION, "[[sim:text tps=0]] Compare apples vs pears", "x" * 300), 1):
        await tab.ask(question)
        await tab.until_ended(number)
        assert not await tab.page.evaluate(_WIDER_THAN_THE_SCREEN)
    assert not await tab.page.is_visible("#new")
    await tab.page.click("#menu")
    await tab.page.click("#new")
    await tab.until("() => document.querySelectorAll('.answer').length === 0")


async def test_conversations_are_listed_opened_and_removed(new: NewTab) -> None:
    """Newest first; Back leads to the one before; a removed one is gone for the server, too."""
    tab = await (await new()).open()
    for name in ("first", "second"):
        await tab.page.click("#new")
        await tab.ask(f"{name} [[sim:text tps=0]]")
        await tab.until_ended()
    listed = tab.page.locator("#conversations a")
    await tab.until("() => document.querySelector('#conversations a')?.textContent.startsWith('second')")
    await listed.filter(has_text="first").first.click()
    await tab.until("() => document.title.startsWith('first')")
    await tab.page.go_back()
    await tab.until("() => document.title.startsWith('second')")
    await tab.until_ended()
    tab.page.on("dialog", lambda dialog: dialog.accept())
    address = tab.page.url
    await tab.page.locator("#conversations li").first.hover()
    await tab.page.locator("#conversations button").first.click()
    await tab.until("() => document.title === 'Sluice'")
    await tab.page.goto("about:blank")
    await tab.page.goto(address)
    await tab.until("() => document.getElementById('alert').textContent.startsWith('There is no such conversation')")


async def test_the_switch_wins_over_the_system(new: NewTab) -> None:
    """And is remembered."""
    tab = await (await new(color_scheme="dark")).open()
    ground = "getComputedStyle(document.body).color"
    dark = await tab.page.evaluate(ground)
    await tab.page.select_option("#theme", "light")
    light = await tab.page.evaluate(ground)
    await tab.page.reload()
    assert await tab.page.evaluate(ground) == light != dark
    await tab.page.select_option("#theme", "")
    assert await tab.page.evaluate(ground) == dark


async def test_copied_examples_run(new: NewTab, cluster: Cluster) -> None:
    """Each as it is copied, quotes and all, gets the answer that the page got; none holds a key."""
    _needs_npm()
    tab = await (await new(permissions=["clipboard-read", "clipboard-write"])).open()
    await tab.ask("[[sim:text tps=0]] It's \"quoted\" $HOME `pwd` \\ and\nöffnet '''")
    await tab.until_ended()
    copied = {}
    for name in ("text", "curl", "Python", "TypeScript"):
        await tab.page.get_by_label(f"Copy as {name}").click()
        await tab.until(
            "(name) => [...document.querySelectorAll('.actions button')].some((one) => one.textContent === 'Copied')"
        )
        copied[name] = await tab.page.evaluate("navigator.clipboard.readText()")
        assert "client-key" not in copied[name]
    assert await tab.whole(copied["text"]) == await tab.shown()
    said = await asyncio.gather(
        _ran("bash", "-c", copied["curl"]),
        _ran(sys.executable, "-c", copied["Python"]),
        _ran("node", "--input-type=module", "-e", copied["TypeScript"]),
    )
    assert "event: message_stop" in said[0], copied["curl"]
    assert said[1] == said[2] == copied["text"]


async def _ran(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, cwd=_NODE, stdout=PIPE, stderr=PIPE)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode()


async def test_it_loads_light_and_once(new: NewTab) -> None:
    """Under 150 kB over the wire, headers included; a second time nothing but questions whether it changed."""
    tab = await new()
    weights: list[float] = []
    session = await tab.page.context.new_cdp_session(tab.page)
    await session.send("Network.enable")
    session.on("Network.loadingFinished", lambda one: weights.append(one["encodedDataLength"]))
    await tab.open()
    await tab.until("() => document.getElementById('model').options.length > 1")
    first = sum(weights)
    assert 20_000 < first < 150_000
    weights.clear()
    await tab.page.reload()
    await tab.until("() => document.getElementById('model').options.length > 1")
    assert sum(weights) < first / 2
