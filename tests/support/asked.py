"""A call that is read in the background, while a test does something to those who serve it."""

import asyncio
from time import monotonic
from uuid import uuid4

from tests.support.api import Api, Stream, body, is_content


class Asked:
    """POST /v1/messages, sent at once. `label` finds its upstream calls."""

    def __init__(self, api: Api, scenario: str) -> None:
        self.label = uuid4().hex
        self._content = asyncio.Event()
        self._opened: Stream | None = None
        self._task = asyncio.create_task(self._read(api, body(scenario, label=self.label)))

    async def _read(self, api: Api, message: dict[str, object]) -> float:
        async with api.stream(message) as self._opened:
            async for event in self._opened:
                if is_content(event):
                    self._content.set()
        return monotonic()

    async def begun(self, within_s: float = 15.0) -> None:
        """Wait until content has arrived. Raises `AssertionError` when the answer ends without any, or is late."""
        content = asyncio.create_task(self._content.wait())
        await asyncio.wait((content, self._task), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        content.cancel()
        assert self._content.is_set(), f"no content: {self._opened and self._opened.events}"

    @property
    def stream(self) -> Stream:
        """What has arrived so far. Raises `AssertionError` before the head has."""
        assert self._opened is not None
        return self._opened

    async def ended(self, within_s: float = 15.0) -> tuple[Stream, float]:
        """Wait for the end of the answer; answers it, and when that was."""
        async with asyncio.timeout(within_s):
            at = await self._task
        return self.stream, at
