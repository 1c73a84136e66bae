"""A process that has to be there: started, watched, started again, stopped.

Invariant: no command runs before the leash holds its process group, so that nothing is ever left behind; what it
writes is relayed in whole lines.
Does not know: what the command does, which others there are.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import BinaryIO

from cli.command import CannotGoOn, Command
from cli.leash import send
from cli.leash_holder import LeashHolder
from cli.lines import Lines
from cli.restarts import QUICK_DEATHS, Restarts, death

# Exit code of a process that refuses its settings: the same again would be refused again.
REFUSED = 2

# The shell waits for a line before it becomes the command. If the holder of the other end dies first, it only ends.
_GATE = 'read -r go && exec "$@" </dev/null'
_READ_BYTES = 1 << 16
_LAST_WORDS_S = 1.0

Relay = Callable[[str, str], None]
Say = Callable[[str], None]


class Child:
    """One command and its present process, if there is one."""

    def __init__(self, command: Command, leash: LeashHolder, relay: Relay, say: Say) -> None:
        self.command = command
        self._leash = leash
        self._relay = relay
        self._say = say
        self._restarts = Restarts()
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    async def keep_running(self) -> None:
        """Run the command, again after each death; returns after `terminate` or `kill`. Raises CannotGoOn."""
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._live()
            if self._stopping.is_set():
                return
            pause_s = self._after(code, time.monotonic() - began)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM), and do not start it again."""
        self._stopping.set()
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it now (SIGKILL), and do not start it again."""
        self._stopping.set()
        self._send(signal.SIGKILL)

    @property
    def pid(self) -> int | None:
        """Process id, and group id, of the present process."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def _after(self, code: int, lived_s: float) -> float:
        name = self.command.name
        if code == REFUSED:
            raise CannotGoOn(f"{name} refused to start; its own words are above.")
        pause_s = self._restarts.pause_s(lived_s)
        if pause_s is None:
            raise CannotGoOn(f"{name} died {QUICK_DEATHS} times, each soon after its start ({death(code)}).")
        self._say(f"{name} died ({death(code)}); it starts again in {pause_s:g} s")
        return pause_s

    async def _live(self) -> int:
        """One life: start, relay what it writes, return its exit code."""
        output, its_output = os.pipe()
        with os.fdopen(output, "rb", 0) as source:
            process = self._process = await self._start(its_output)
            relaying = asyncio.create_task(self._relay_all(source))
            code = await process.wait()
            send(process.pid, signal.SIGKILL)  # what it started itself, and left behind
            self._leash.release(process.pid)
            # Somebody may have taken the pipe along into another group.
            await asyncio.wait((relaying,), timeout=_LAST_WORDS_S)
            relaying.cancel()
            await asyncio.wait((relaying,))
        return code

    async def _start(self, its_output: int) -> asyncio.subprocess.Process:
        its_gate, gate = os.pipe()
        with os.fdopen(gate, "wb", 0) as opened:
            try:
                process = await asyncio.create_subprocess_exec(
                    *("/bin/sh", "-c", _GATE, self.command.name, *self.command.argv),
                    stdin=its_gate,
                    stdout=its_output,
                    stderr=its_output,
                    env=self.command.environment,
                    start_new_session=True,
                    umask=self.command.umask,
                    pass_fds=self.command.inherited,
                )
            except OSError as error:
                raise CannotGoOn(f"{self.command.name} cannot be started: {error}.") from error
            finally:
                os.close(its_gate)
                os.close(its_output)
            self._leash.hold(process.pid)
            if not self._stopping.is_set():
                with contextlib.suppress(BrokenPipeError):  # killed before it began: `wait` tells
                    opened.write(b"go\n")
        return process

    async def _relay_all(self, source: BinaryIO) -> None:
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, source)
        lines = Lines()
        try:
            while data := await reader.read(_READ_BYTES):
                for line in lines.feed(data):
                    self._relay(self.command.name, line)
        finally:
            for line in lines.rest():
                self._relay(self.command.name, line)
            transport.close()

    def _send(self, number: signal.Signals) -> None:
        if (group := self.pid) is not None:
            send(group, number)
