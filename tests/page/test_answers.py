"""An answer in Chromium: it streams, and survives reloads, lost networks, a stop, a second tab and hostile words."""

from itertools import pairwise

import pytest
from playwright.async_api import Route

from tests.faults.proxy import Proxy
from tests.page.browser import new_tab
from tests.page.conftest import SLOTS, NewTab
from tests.support.api import Api, body
from tests.support.cluster import Cluster
from tests.support.facts import fact, true

pytestmark = pytest.mark.asyncio(loop_scope="session")
_QUESTION = "[[sim:text tps=60]] Compare apples and pears"


async def asked_of(upstream: Api) -> int:
    """How many messages Claude was asked for."""
    calls = (await upstream.send("GET", "/simulator/calls", params={"limit": "10000"})).json()
    return sum(call["path"].startswith("/v1/messages") for call in calls)


async def said(api: Api) -> str:
    """What the newest conversation's last answer says, as the server keeps it."""
    newest = (await api.send("GET", "/v1/conversations")).json()["data"][0]["id"]
    message = (await api.send("GET", f"/v1/conversations/{newest}")).json()["messages"][-1]
    assert (message["role"], message["state"]) == ("assistant", "complete")
    content = message["content"]
    return content if isinstance(content, str) else "".join(block.get("text", "") for block in content)


async def test_an_answer_streams(new: NewTab, api: Api) -> None:
    """It grows, and nothing that is shown is taken back; in the end it is what came, with its figures."""
    tab = await (await new()).open()
    await tab.page.evaluate("""() => {
      window.seen = [];
      const note = () => {
        const text = document.querySelector('.answer-body')?.textContent ?? '';
        if (text !== seen.at(-1)) seen.push(text);
      };
      new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
    }""")
    await tab.ask(_QUESTION)
    await tab.until_words(40)
    assert "about" in await tab.text_of(".figures")
    await tab.until_ended()
    seen = await tab.page.evaluate("seen")
    assert len(seen) > 20
    assert all(after.startswith(before) for before, after in pairwise(seen))
    assert await tab.shown() == await tab.whole(await said(api))
    figures = await tab.text_of(".figures")
    assert "first word" in figures and "tokens/s" in figures and "about" not in figures
    assert await tab.page.title() == f"{_QUESTION} · Sluice"
    assert await tab.page.locator("#conversations a[aria-current=page]").inner_text() == _QUESTION


@pytest.mark.parametrize("at", [0, 60, 400])
async def test_a_reload_in_mid_answer_goes_on(new: NewTab, api: Api, upstream: Api, at: int) -> None:
    """From the very event where it was, and Claude is asked once."""
    before = await asked_of(upstream)
    tab = await (await new()).open()
    positions: list[str | None] = []
    tab.page.on(
        "request", lambda one: positions.append(one.headers.get("last-event-id")) if "/events" in one.url else None
    )
    await tab.ask(_QUESTION)
    await tab.until("() => location.hash.startsWith('#conv_')")
    await tab.until_words(at)
    await tab.page.reload()
    await tab.until_ended()
    assert await tab.shown() == await tab.whole(await said(api))
    assert await asked_of(upstream) == before + 1
    if at:
        assert positions[0] is None and len(positions) == 2 and positions[1] is not None
        assert "first word" in await tab.text_of(".figures")


async def test_a_lost_network_is_no_lost_answer(new: NewTab, cluster: Cluster, api: Api, upstream: Api) -> None:
    """The page says so, comes back by itself, and goes on where it was."""
    before = await asked_of(upstream)
    async with Proxy(cluster.url.removeprefix("http://")) as proxy:
        tab = await (await new(f"http://127.0.0.1:{proxy.port}")).open()
        await tab.ask("[[sim:text tps=50 events=300]] Compare apples and pears")
        for at in (60, 300):
            await tab.until_words(at)
            proxy.cut()
            await tab.page.context.set_offline(True)
            await tab.until("() => document.querySelector('.status').textContent.startsWith('Connection lost')")
            proxy.heal()
            await tab.page.context.set_offline(False)
        await tab.until_ended()
        assert proxy.hit >= 2
        assert await tab.shown() == await tab.whole(await said(api))
    assert await asked_of(upstream) == before + 1


async def test_a_message_sent_into_a_dead_network_arrives_once(
    new: NewTab, cluster: Cluster, api: Api, upstream: Api
) -> None:
    """Its answer got lost on the way; the page says so and sends it again, and it is the same message."""
    before = await asked_of(upstream)
    async with Proxy(cluster.url.removeprefix("http://")) as proxy:
        tab = await (await new(f"http://127.0.0.1:{proxy.port}")).open()
        await tab.page.route("**/messages", _lose_the_answer)
        await tab.ask(_QUESTION)
        await tab.until("() => document.querySelector('.status')?.textContent.startsWith('Not sent yet')")
        await tab.page.unroute("**/messages")
        await tab.until_ended()
    assert await tab.shown() == await tab.whole(await said(api))
    assert await asked_of(upstream) == before + 1


async def _lose_the_answer(route: Route) -> None:
    await route.fetch()
    await route.abort()


async def test_stop_ends_the_answer_and_its_job(new: NewTab, api: Api, upstream: Api) -> None:
    """By the button and by Escape; what was written stays, and the next message can be sent."""
    tab = await (await new()).open()
    for number, stop in enumerate(("click", "Escape"), 1):
        await tab.ask("[[sim:text tps=20 events=2000]] Tell me everything")
        await tab.until_words(40)
        await (tab.page.click("#stop") if stop == "click" else tab.page.keyboard.press("Escape"))
        await tab.until_ended(number)
        assert await tab.page.locator(".answer").nth(number - 1).get_attribute("data-state") == "stopped"
        assert len((await tab.shown())[-1]) > 40

    async def none_open() -> bool:
        count: int = (await upstream.send("GET", "/simulator/calls/open")).json()["count"]
        return count == 0

    await true(none_open)
    await tab.page.reload()
    await tab.until_ended(2)
    assert await tab.page.locator(".answer").first.get_attribute("data-state") == "stopped"


async def test_two_tabs_show_one_answer(new: NewTab, api: Api, upstream: Api) -> None:
    """The second sees what was written before it came, and what a message of the first one brings."""
    before = await asked_of(upstream)
    first = await (await new()).open()
    await first.ask(_QUESTION)
    await first.until_words(100)
    second = await new_tab(first.page.context, first.url)
    await second.open(f"/{await first.page.evaluate('location.hash')}")
    await second.until_words(100)
    for tab in (first, second):
        await tab.until_ended()
    assert await first.shown() == await second.shown() == await first.whole(await said(api))
    await first.ask("[[sim:text tps=60]] And plums?")
    await second.until("() => document.querySelectorAll('.answer').length === 2")
    for tab in (first, second):
        await tab.until_ended(2)
    assert await first.shown() == await second.shown()
    assert await asked_of(upstream) == before + 2
    second.clean()


async def test_hostile_words_stay_words(new: NewTab) -> None:
    """Markup in a question, a title or an answer is text; nothing of it runs, loads or links."""
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script> [x](javascript:alert(3)) ![y](https://elsewhere.test/z.png)"
    tab = await (await new()).open()
    dialogs: list[str] = []
    tab.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await tab.page.evaluate(
        """async (text) => {
          const { AnswerView } = await import("/page/answer_view.js");
          const { keptAnswer } = await import("/page/answer.js");
          const content = [
            { type: "text", text },
            { type: "thinking", thinking: text },
            { type: "tool_use", name: text, input: [text] },
          ];
          const view = new AnswerView(keptAnswer({ role: "assistant", state: "complete", content }));
          document.getElementById("thread").append(view.element);
        }""",
        hostile,
    )
    assert "<img src=x" in await tab.text_of(".answer .markdown")
    await tab.ask(f"[[sim:text]] {hostile}")
    await tab.until_ended(2)
    await tab.until("() => document.querySelectorAll('#conversations a').length > 0")
    dangerous = "main script, main img, main iframe, #side script, #conversations img, a[href^='javascript']"
    assert await tab.page.locator(dangerous).count() == 0
    assert (
        await tab.page.locator("a[href^='https://elsewhere.test']").first.get_attribute("rel") == "noopener noreferrer"
    )
    assert dialogs == []


async def test_the_queue_is_shown(new: NewTab, api: Api) -> None:
    """How many are ahead, as long as it waits."""
    jobs = [await api.submit(body("text tps=1 events=600")) for _ in range(SLOTS + 2)]
    try:

        async def two_wait() -> bool | None:
            states = [(await api.view(job))["state"] for job in jobs]
            return states.count("queued") == 2 or None

        await fact(two_wait)
        tab = await (await new()).open()
        await tab.ask(_QUESTION)
        await tab.until("() => document.querySelector('.status')?.textContent === 'Waiting in the queue, 2 ahead'")
    finally:
        for job in jobs:
            await api.cancel(job)
    await tab.until_ended()


@pytest.mark.parametrize(
    ("model", "folded"), [("claude-sim-thinking", "Thought about it"), ("claude-sim-server-tools", "Called web_search")]
)
async def test_thinking_and_tool_calls_are_folded(new: NewTab, model: str, folded: str) -> None:
    """There for whoever wants to look; the answer stands below."""
    tab = await (await new()).open()
    await tab.until(
        "(model) => [...document.getElementById('model').options].some(({ value }) => value === model)", model
    )
    await tab.page.select_option("#model", model)
    await tab.ask("Is it so?")
    await tab.until_ended()
    fold = tab.page.locator("details.folded").first
    assert (await fold.locator("summary").inner_text()).startswith(folded)
    assert await fold.get_attribute("open") is None
    await fold.locator("summary").click()
    assert len(await fold.locator(".folded-text").inner_text()) > 5
    await tab.page.reload()
    await tab.until_ended()
    assert await tab.page.locator("details.folded").count() >= 1


async def test_an_answer_that_fails_says_why(new: NewTab) -> None:
    """What came stays; the sentence and the request id are there; after a reload, too, that it was cut short."""
    tab = await (await new()).open()
    await tab.ask("[[sim:cut after=20 tps=100]] Tell me more")
    await tab.until_ended()
    notice = await tab.text_of(".notice")
    assert "interrupted" in notice and "request req_" in notice
    assert len((await tab.shown())[0]) > 10
    await tab.page.reload()
    await tab.until_ended()
    assert "interrupted" in await tab.text_of(".notice")
