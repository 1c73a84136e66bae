"""How long a process leaves a trivial question unanswered: its event loop's stalls, seen from outside.

Invariant: one question at a time and one every `_EVERY_S`, so a stall of any length is one sample of that length.
Does not know: what keeps the process busy.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from bench.failure import BenchFailed
from bench.target import Target

_EVERY_S = 0.005


@dataclass(frozen=True, slots=True)
class Probed:
    """A process, how to reach it, what to ask, and the last bytes of its answer."""

    name: str
    connect: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
    question: bytes
    end: bytes


def http(name: str, target: Target, path: str, end: bytes) -> Probed:
    """A process that answers `GET path` with a body that ends so."""
    question = f"GET {path} HTTP/1.1\r\nhost: {target.host}\r\n\r\n".encode()
    return Probed(name, lambda: asyncio.open_connection(target.host, target.port), question, end)


def redis(name: str, socket: str) -> Probed:
    """A Redis behind a Unix socket."""
    return Probed(name, lambda: asyncio.open_unix_connection(socket), b"PING\r\n", b"+PONG\r\n")


class Probe:
    """`lags_ns` grows while a `probing` block is open."""

    def __init__(self) -> None:
        self.lags_ns: list[int] = []

    async def ask_for_ever(self, probed: Probed) -> None:
        """Ask one process. Raises BenchFailed when it hangs up."""
        reader, writer = await probed.connect()
        try:
            while True:
                asked_ns = time.monotonic_ns()
                writer.write(probed.question)
                await reader.readuntil(probed.end)
                self.lags_ns.append(time.monotonic_ns() - asked_ns)
                await asyncio.sleep(_EVERY_S)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise BenchFailed(f"{probed.name} left a probe without an answer: {error}") from error
        finally:
            writer.transport.abort()

    async def watch_own_loop(self) -> None:
        """How late this process is itself: no other lag can be told from it."""
        while True:
            due_ns = time.monotonic_ns() + int(_EVERY_S * 1e9)
            await asyncio.sleep(_EVERY_S)
            self.lags_ns.append(max(0, time.monotonic_ns() - due_ns))


@contextlib.asynccontextmanager
async def probing(probed: list[Probed]) -> AsyncIterator[dict[str, Probe]]:
    """Ask all of them for the block. Raises BenchFailed if one has hung up."""
    probes = {process.name: Probe() for process in probed} | {"load client": Probe()}
    asking = [asyncio.create_task(probes[process.name].ask_for_ever(process)) for process in probed]
    asking.append(asyncio.create_task(probes["load client"].watch_own_loop()))
    try:
        yield probes
        for task in asking:
            if task.done():
                task.result()
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
