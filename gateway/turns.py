"""Many calls that come in one moment are begun a few at a time.

All that has come is begun in one turn of the event loop otherwise: of a hundred calls the first answer would wait until
the hundredth is in the queue, and what comes meanwhile, of this and of every other stream, with it.
Invariant: calls begin in the order in which they asked, at most `_A_TURN` in one turn of the loop; one that comes alone
waits for nothing.
Does not know: what a call is.
"""

import asyncio
from collections import deque

_A_TURN = 4


class Turns:
    """Of one event loop."""

    def __init__(self) -> None:
        self._begun = 0  # in this turn
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def mine(self) -> None:
        """Wait until it is this call's turn."""
        loop = asyncio.get_running_loop()
        if self._begun < _A_TURN:  # then nobody waits
            self._begin(loop)
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._begun += 1
        if self._begun == 1:
            loop.call_soon(self._next, loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        self._begun = 0
        while self._waiting and self._begun < _A_TURN:
            turn = self._waiting.popleft()
            if not turn.done():  # else whoever waited has been cancelled
                self._begin(loop)
                turn.set_result(None)
