"""An `EventSource` of the tests: it reads until the stream ends, or until it is cut."""

import asyncio

import httpx2

from tests.gateway.house import KEY, House
from tests.support.event_source import EventSourceParser
from tests.support.facts import until

EVENTS = {"accept": "text/event-stream"}


class Listening:
    """An `EventSource` on one connection; `cut` ends it, and what has come stays in `parser`."""

    def __init__(self, house: House, path: str, last_id: str = "", **headers: str) -> None:
        self.parser = EventSourceParser(last_id=last_id)
        self.response: httpx2.Response | None = None
        came_back = {"last-event-id": last_id} if last_id else {}
        self._task = asyncio.create_task(self._read(house, path, EVENTS | {"x-api-key": KEY} | came_back | headers))

    async def _read(self, house: House, path: str, headers: dict[str, str]) -> None:
        async with (
            httpx2.AsyncClient(base_url=house.url, timeout=30, trust_env=False) as client,
            client.stream("GET", path, headers=headers) as response,
        ):
            self.response = response
            async for text in response.aiter_text():
                self.parser.feed(text)

    async def until(self, text: str) -> None:
        await until(lambda: self.parser.text == text)

    async def ended(self) -> EventSourceParser:
        async with asyncio.timeout(20):
            await self._task
        return self.parser

    async def cut(self) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))
