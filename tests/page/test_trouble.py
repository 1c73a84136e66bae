"""The page where the network is slow or away: nothing written is lost, nothing lands in another conversation."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Route

from tests.page.browser import Tab
from tests.page.conftest import NewTab
from tests.support.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="session")
_FIRST = "[[sim:text tps=0]] Compare apples and pears"
_SECOND = "[[sim:text tps=0]] And plums?"
_LONG = "[[sim:text tps=20 events=2000]] Tell me everything"
_FIELD = "document.getElementById('message').value"
_QUESTIONS = "[...document.querySelectorAll('.question')].map((one) => one.textContent)"


@asynccontextmanager
async def _held(tab: Tab, pattern: str, method: str) -> AsyncIterator[asyncio.Event]:
    """Answers to such requests arrive at the end of the block; the event says that there is one."""
    came, go = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        if route.request.method != method:
            return await route.continue_()
        answer = await route.fetch()
        came.set()
        await go.wait()
        return await route.fulfill(response=answer)

    await tab.page.route(pattern, hold)
    yield came
    go.set()


async def _with_an_answer(new: NewTab) -> tuple[Tab, str]:
    """A tab, and the address of its conversation."""
    tab = await (await new()).open()
    await tab.ask(_FIRST)
    await tab.until_ended()
    return tab, await tab.page.evaluate("location.hash")


async def _questions(api: Api, address: str) -> list[str]:
    messages = (await api.send("GET", f"/v1/conversations/{address[1:]}")).json()["messages"]
    return [message["content"] for message in messages if message["role"] == "user"]


async def test_a_message_goes_where_it_was_written(new: NewTab, api: Api) -> None:
    """Though the person looks at another conversation before the new one is made; that one is left as it is."""
    tab, address = await _with_an_answer(new)
    await tab.page.click("#new")
    async with _held(tab, "**/v1/conversations", "POST") as came:
        await tab.ask(_SECOND)
        await asyncio.wait_for(came.wait(), 30)
        await tab.page.click(f"#conversations a[href='{address}']")
        await tab.until_ended()
    await tab.until("() => document.querySelectorAll('#conversations li').length >= 2")
    await tab.until(
        "(text) => [...document.querySelectorAll('#conversations a')].some((one) => one.title === text)", _SECOND
    )
    assert await tab.page.evaluate("location.hash") == address
    assert await tab.page.evaluate(_QUESTIONS) == await _questions(api, address) == [_FIRST]
    made = await tab.page.locator("#conversations a", has_text=_SECOND).first.get_attribute("href")
    assert await _questions(api, str(made)) == [_SECOND]
    assert not await tab.page.is_hidden("#send")


async def test_a_message_waits_for_its_conversation(new: NewTab, api: Api) -> None:
    """Sent before what was said there has come; then all of it stands there, in order."""
    tab, address = await _with_an_answer(new)
    async with _held(tab, f"**/v1/conversations/{address[1:]}", "GET") as came:
        await tab.page.reload(wait_until="commit")
        await asyncio.wait_for(came.wait(), 30)
        await tab.ask(_SECOND)
        await tab.until(f"() => {_QUESTIONS}.length === 1")
    await tab.until_ended(2)
    assert await tab.page.evaluate(_QUESTIONS) == await _questions(api, address) == [_FIRST, _SECOND]


async def test_a_message_that_is_not_sent_can_be_taken_back(new: NewTab, api: Api) -> None:
    """By Escape it is in the field again; before that a reload would have brought it back, too."""
    tab, address = await _with_an_answer(new)
    await tab.page.route("**/messages", lambda route: route.abort())
    await tab.ask(_SECOND)
    await tab.until("() => [...document.querySelectorAll('.status')].at(-1).textContent.startsWith('Not sent yet')")
    assert await tab.page.evaluate("sessionStorage['sluice:draft']") == _SECOND
    assert await tab.page.evaluate(_FIELD) == ""
    await tab.page.keyboard.press("Escape")
    await tab.until(f"(text) => {_FIELD} === text", _SECOND)
    assert await tab.page.evaluate(_QUESTIONS) == [_FIRST]
    await tab.page.unroute("**/messages")
    await tab.page.keyboard.press("Enter")
    await tab.until_ended(2)
    assert await _questions(api, address) == [_FIRST, _SECOND]
    assert await tab.page.evaluate("sessionStorage['sluice:draft']") == ""


async def test_short_trouble_throws_nobody_out(new: NewTab) -> None:
    """The address stays, the trouble is told, and the conversation comes as soon as it can."""
    tab, address = await _with_an_answer(new)
    one = f"**/v1/conversations/{address[1:]}"
    await tab.page.route(one, lambda route: route.fulfill(status=503, body="{}"))
    await tab.page.reload()
    await tab.until("() => document.getElementById('alert').textContent.includes('503')")
    assert await tab.page.evaluate("location.hash") == address
    await tab.page.unroute(one)
    await tab.until_ended()
    assert await tab.text_of("#alert") == ""


async def test_an_answer_whose_events_are_gone_is_read_from_its_conversation(new: NewTab) -> None:
    """A tab that slept for longer than they are kept shows what the conversation holds."""
    tab = await (await new()).open()
    await tab.page.route("**/events", _gone)
    await tab.ask(_FIRST)
    await tab.until_ended()
    assert await tab.page.get_attribute(".answer", "data-state") == "complete"
    assert len((await tab.shown())[0]) > 40


async def _gone(route: Route) -> None:
    await route.fetch()  # to its end, so that the answer is whole
    error = {"type": "error", "error": {"type": "not_found_error", "message": "gone"}}
    await route.fulfill(status=404, content_type="application/json", body=json.dumps(error))


async def test_without_storage_the_page_works(new: NewTab) -> None:
    """Where the person keeps sites from storing anything."""
    tab = await new()
    await tab.page.add_init_script("""for (const name of ["localStorage", "sessionStorage"])
      Object.defineProperty(window, name, { get() { throw new DOMException("no", "SecurityError"); } });""")
    await tab.open()
    await tab.page.select_option("#theme", "dark")
    await tab.ask(_FIRST)
    await tab.until_ended()


async def test_what_is_composed_is_ended_and_not_the_answer(new: NewTab) -> None:
    """Escape while letters are being composed belongs to them."""
    tab = await (await new()).open()
    await tab.ask(_LONG)
    await tab.until_words(20)
    press = "(isComposing) => dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', isComposing }))"
    cancels: list[str] = []
    tab.page.on("request", lambda one: cancels.append(one.url) if one.url.endswith("/cancel") else None)
    await tab.page.evaluate(press, True)
    await tab.until_words(60)
    assert cancels == []
    await tab.page.evaluate(press, False)
    await tab.until_ended()


async def test_the_focus_stays_with_the_person(new: NewTab) -> None:
    """On the button that takes another's place, and in the list whatever comes and goes there."""
    tab, address = await _with_an_answer(new)
    active = "document.activeElement.id || document.activeElement.hash"
    await tab.page.click("#new")
    await tab.page.fill("#message", _LONG)
    await tab.page.focus("#send")
    await tab.page.keyboard.press("Enter")
    await tab.until_words(10)
    assert await tab.page.evaluate(active) == "stop"
    await tab.page.keyboard.press("Enter")
    await tab.until_ended()
    await tab.until("() => document.activeElement.id === 'send'")
    await tab.page.focus(f"#conversations a[href='{address}']")
    tab.page.on("dialog", lambda dialog: dialog.accept())
    await tab.page.keyboard.press("Tab")
    await tab.page.keyboard.press("Enter")
    await tab.until("(hash) => !document.querySelector(`#conversations a[href='${hash}']`)", address)
    assert await tab.page.evaluate("document.activeElement !== document.body")


async def test_copied_is_said_and_unsaid(new: NewTab) -> None:
    """Also when the button is pressed twice; whoever listens hears it."""
    tab, _ = await _with_an_answer(new)
    await tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = tab.page.get_by_label("Copy as text")
    for _ in range(2):
        await button.click()
        await tab.until("() => document.querySelector('.actions button').textContent === 'Copied'")
    await tab.until("() => document.getElementById('announcements').textContent.includes('Copied')")
    await tab.until("() => document.querySelector('.actions button').textContent === 'text'")
