"""The end of the leash that `sluice up` holds.

Invariant: a group is on the leash before its first command runs, and off it once it is dead (its number may be given
to a stranger); a leash that dies is replaced and told everything anew.
Does not know: why a process runs.
"""

import asyncio
import contextlib
import os
import sys
from types import TracebackType
from typing import Self

_CLOSE_S = 2.0
_AGAIN_S = 0.2


class LeashHolder:
    """An async context: the leash process runs inside, and ends with it."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._pipe = -1
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._start()
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._keeper is not None
        assert self._process is not None
        self._keeper.cancel()
        await asyncio.wait((self._keeper,))
        os.close(self._pipe)
        with contextlib.suppress(TimeoutError):  # then it is still stopping a group, and ends by itself
            await asyncio.wait_for(self._process.wait(), _CLOSE_S)

    @property
    def pid(self) -> int:
        """The leash's own process id."""
        assert self._process is not None
        return self._process.pid

    def hold(self, group: int) -> None:
        """Put a process group on the leash."""
        self._groups.add(group)
        self._write(b"+%d\n" % group)

    def release(self, group: int) -> None:
        """Take a process group off the leash: it is dead."""
        self._groups.discard(group)
        self._write(b"-%d\n" % group)

    def _write(self, order: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the leash died: its replacement is told every group
            os.write(self._pipe, order)

    async def _start(self) -> None:
        before = self._pipe
        orders, self._pipe = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "cli.leash"),
                stdin=orders,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            os.close(orders)
            if before >= 0:
                os.close(before)
        for group in self._groups:
            self._write(b"+%d\n" % group)

    async def _keep(self) -> None:
        while True:
            assert self._process is not None
            await self._process.wait()
            await asyncio.sleep(_AGAIN_S)
            with contextlib.suppress(OSError):  # no process to be had at this moment: asked for again
                await self._start()
