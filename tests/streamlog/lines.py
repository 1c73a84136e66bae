"""Lines that misbehave as a network can: calls sent twice, calls that never arrive.

Invariant: what they do with a call is what a `Line` does that has lost a connection at the worst moment.
Does not know: what the calls do.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from streamlog.line import Line
from streamlog.scripts import Argument


class Stuttering(Line):
    """Every call reaches Redis twice, and the second answer counts; `between` is awaited once in between."""

    def __init__(self, line: Line, between: Callable[[int], Awaitable[Any]] | None = None) -> None:
        self._line = line
        self._between = between
        self._scripts = line._scripts

    def command(self, *command: Argument, once: bool = False) -> asyncio.Future[Any]:
        return asyncio.ensure_future(self._twice(command))

    async def _twice(self, command: tuple[Argument, ...]) -> Any:
        await self._line.command(*command)
        if self._between is not None and command[0] == "EVALSHA":
            await self._between(1)
        return await self._line.command(*command)


class Forgetting(Line):
    """Commands called `verb` never arrive, though they seem to."""

    def __init__(self, line: Line, verb: str) -> None:
        self._line = line
        self._verb = verb
        self._scripts = line._scripts

    def command(self, *command: Argument, once: bool = False) -> asyncio.Future[Any]:
        if command[0] != self._verb:
            return self._line.command(*command, once=once)
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(b"OK")
        return answer
