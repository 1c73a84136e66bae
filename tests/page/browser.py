"""The page in a real Chromium: a tab as a person uses it, and what went wrong behind their back.

Invariant: a tab notes every error of the page and every request to another origin; `Tab.clean` says there was none.
Does not know: what is tested.
"""

import shutil
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request

_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_LIMIT_MS = 30_000
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")  # tests run as root, and on small machines

# How the page would show a Markdown text that came in one piece: `innerHTML` is read here, never written.
_WHOLE = """async (texts) => {
  const { MarkdownView } = await import("/page/markdown_view.js");
  return texts.map((text) => {
    const view = new MarkdownView();
    view.update(text, true);
    return view.element.innerHTML;
  });
}"""
_SHOWN = "() => [...document.querySelectorAll('.answer .markdown')].map((shown) => shown.innerHTML)"


def chromium() -> str:
    """Where this machine's Chromium is. Skips the test without one."""
    for name in _NAMES:
        if path := shutil.which(name):
            return path
    pytest.skip("needs Chromium")


async def launched(playwright: Playwright) -> Browser:
    return await playwright.chromium.launch(executable_path=chromium(), args=_FLAGS)


class Tab:
    """One tab. `url` is where the page is served."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        self.abroad: list[str] = []
        page.set_default_timeout(_LIMIT_MS)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._said)
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        # A connection that a test cuts is an error of the network's, not of the page's.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.problems.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((f"{self.url}/", "data:")):
            self.abroad.append(request.url)

    def clean(self) -> None:
        """Raises `AssertionError` if something went wrong, or elsewhere."""
        assert (self.problems, self.abroad) == ([], [])

    async def open(self, path: str = "/") -> "Tab":
        await self.page.goto(self.url + path)
        return self

    async def ask(self, text: str) -> None:
        await self.page.fill("#message", text)
        await self.page.keyboard.press("Enter")

    async def until(self, condition: str, argument: Any = None) -> None:
        """Wait until an expression of the page's is true."""
        await self.page.wait_for_function(condition, arg=argument, polling=20)

    async def until_words(self, number: int) -> None:
        """Wait until the answers show so many characters."""
        counted = "(number) => [...document.querySelectorAll('.answer-body')].at(-1)?.textContent.length >= number"
        await self.until(counted, number)

    async def until_ended(self, answers: int = 1) -> None:
        """Wait until so many answers have ended."""
        ended = "(number) => document.querySelectorAll('.answer[aria-busy=false]').length === number"
        await self.until(ended, answers)

    async def shown(self) -> list[str]:
        """What stands in the answers, as markup."""
        shown: list[str] = await self.page.evaluate(_SHOWN)
        return shown

    async def whole(self, *texts: str) -> list[str]:
        """What would stand there if each of these texts had come in one piece."""
        whole: list[str] = await self.page.evaluate(_WHOLE, list(texts))
        return whole

    async def text_of(self, selector: str) -> str:
        return await self.page.inner_text(selector)


async def new_tab(context: BrowserContext, url: str) -> Tab:
    return Tab(await context.new_page(), url)
