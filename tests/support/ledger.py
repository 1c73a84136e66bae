"""What the simulator was asked, read from its own pages: evidence of the upstream calls that were made.

Does not know: the gateway, jobs.
"""

from typing import Any

from tests.support.api import Api
from tests.support.facts import fact


class Ledger:
    """What the simulator was asked, and how each call ended. Its times are `time.monotonic()` of this machine."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def calls(self, label: str) -> list[dict[str, Any]]:
        """The calls with this label, in the order of their arrival."""
        response = await self._api.send("GET", "/simulator/calls", params={"label": label, "limit": 1000})
        calls: list[dict[str, Any]] = response.json()
        return calls

    async def open(self) -> int:
        """How many calls are open now."""
        count: int = (await self._api.send("GET", "/simulator/calls/open")).json()["count"]
        return count

    async def called(self, label: str, times: int = 1, within_s: float = 10.0) -> list[dict[str, Any]]:
        """Wait until so many calls with this label have arrived."""

        async def calls() -> list[dict[str, Any]] | None:
            found = await self.calls(label)
            return found if len(found) >= times else None

        return await fact(calls, within_s)

    async def closed(self, label: str, times: int = 1, within_s: float = 10.0) -> list[dict[str, Any]]:
        """Wait until so many calls with this label have ended."""

        async def calls() -> list[dict[str, Any]] | None:
            found = [call for call in await self.calls(label) if call["ending"]]
            return found if len(found) >= times else None

        return await fact(calls, within_s)
