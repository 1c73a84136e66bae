"""What the page's tests share: a gateway in this process for what it serves, and a cluster for Chromium to use."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.gateway.house import House, open_house
from tests.page.browser import Tab, chromium, launched, new_tab
from tests.support.api import Api
from tests.support.cluster import Cluster, Ground, started
from tests.support.valkey import Valkey

SLOTS = 4
_HEAVY = "heavy_page"
_ASSISTANTS = Path(__file__).resolve().parents[2] / "deploy" / "assistants.toml"
NewTab = Callable[..., Awaitable[Tab]]


@pytest.fixture
async def house(valkey: Valkey) -> AsyncIterator[House]:
    """A gateway without jobs."""
    async with open_house(valkey.url) as house:
        yield house


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    chromium()
    ground = Ground()
    yield ground
    ground.close()


@pytest.fixture(scope="session")
def cluster(ground: Ground) -> Iterator[Cluster]:
    """One gateway that pings often and has an assistant, one worker with few slots."""
    with started(ground, SLUICE_PING_S=0.5, SLUICE_SLOTS=SLOTS, SLUICE_ASSISTANTS_FILE=_ASSISTANTS) as cluster:
        yield cluster


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(ground: Ground) -> AsyncIterator[Browser]:
    """One Chromium for all tests; each has contexts of its own."""
    async with async_playwright() as playwright:
        browser = await launched(playwright)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def new(browser: Browser, cluster: Cluster) -> AsyncIterator[NewTab]:
    """Opens tabs that share nothing: `await new()`; `url` and Playwright's options of a context may be given.

    At the end none of them may have had an error, or have asked another origin for anything.
    """
    tabs: list[Tab] = []

    async def opened(url: str = "", **options: object) -> Tab:
        context = await browser.new_context(**options)  # type: ignore[arg-type]  # Playwright checks them
        tabs.append(await new_tab(context, url or cluster.url))
        return tabs[-1]

    yield opened
    for tab in tabs:
        await tab.page.context.close()
    for tab in tabs:
        tab.clean()


@pytest_asyncio.fixture(loop_scope="session")
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    """The cluster as the page sees it without a key."""
    async with Api(cluster.url, key="") as api:
        yield api


@pytest_asyncio.fixture(loop_scope="session")
async def upstream(ground: Ground) -> AsyncIterator[Api]:
    """The simulator's own pages."""
    async with Api(ground.upstream_url) as api:
        yield api


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes minutes runs when it is asked for."""
    if _HEAVY in config.option.markexpr:
        return
    heavy = [item for item in items if item.get_closest_marker(_HEAVY)]
    if heavy:
        config.hook.pytest_deselected(items=heavy)
        items[:] = [item for item in items if item not in heavy]
