"""A TCP proxy that breaks what it carries, on command: delay, cut, blackhole, half-close, bandwidth.

Invariant: bytes are never changed or reordered; what a blackhole has swallowed arrives when it opens, as a network
gives it after its retransmissions. `hit` counts the connections that a command really broke.
Does not know: what is said on the connections.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from time import monotonic

_READ_BYTES = 64 * 1024


class _Pair:
    """One client's connection and ours to the target."""

    def __init__(self, client: asyncio.StreamWriter, target: asyncio.StreamWriter) -> None:
        self.client = client
        self.target = target

    def abort(self) -> None:
        for writer in (self.client, self.target):
            writer.transport.abort()


class Proxy:
    """Listens on a free port of 127.0.0.1 in front of `host:port` or of a Unix socket's path. `async with` it."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._refuses = False
        self.port = 0
        self.delay_s = 0.0
        self.bytes_per_s = 0.0  # 0 for no limit
        self.hit = 0
        self.carried = 0  # bytes

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self._flows.set()
        for pair in list(self._pairs):
            pair.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def blackhole(self) -> None:
        """Everything is taken and nothing passed on, new connections included."""
        self.hit += max(1, len(self._pairs))
        self._flows.clear()

    def cut(self) -> None:
        """Reset every connection; new ones are reset as well, until `heal`."""
        self._refuses = True
        if not self.reset():
            self.hit += 1

    def reset(self) -> int:
        """Reset the present connections only; answers how many."""
        cut = list(self._pairs)
        for pair in cut:
            pair.abort()
        self.hit += len(cut)
        return len(cut)

    def half_close(self) -> int:
        """Tell each client that the target has finished, while what clients say still goes on; answers how many."""
        closed = [pair for pair in self._pairs if pair.client.can_write_eof() and not pair.client.is_closing()]
        for pair in closed:
            pair.client.write_eof()
        self.hit += len(closed)
        return len(closed)

    def heal(self) -> None:
        """Pass everything on again, at once."""
        self._refuses, self.delay_s, self.bytes_per_s = False, 0.0, 0.0
        self._flows.set()

    @contextlib.asynccontextmanager
    async def broken(self, how: str, for_s: float) -> AsyncIterator[None]:
        """`cut` or `blackhole` while the block runs, and at least for so long."""
        began = monotonic()
        getattr(self, how)()
        try:
            yield
            await asyncio.sleep(max(0.0, began + for_s - monotonic()))
        finally:
            self.heal()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refuses:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await self._dial()
        except OSError:
            writer.transport.abort()
            return
        pair = _Pair(writer, far_writer)
        self._pairs.add(pair)
        tasks = [
            asyncio.create_task(self._pump(reader, far_writer)),
            asyncio.create_task(self._pump(far_reader, writer)),
        ]
        self._tasks.update(tasks)
        try:
            await asyncio.wait(tasks)
        finally:
            self._tasks.difference_update(tasks)
            self._pairs.discard(pair)
            pair.abort()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._target.startswith("/"):
            return await asyncio.open_unix_connection(self._target)
        host, _, port = self._target.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: this side was half-closed meanwhile
            while data := await reader.read(_READ_BYTES):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if self.bytes_per_s:
                    await asyncio.sleep(len(data) / self.bytes_per_s)
                await self._flows.wait()
                self.carried += len(data)
                writer.write(data)
                await writer.drain()
        if writer.can_write_eof() and not writer.is_closing():
            with contextlib.suppress(OSError):
                writer.write_eof()
