"""One program under test as a child process: its environment, its log, its address, its end.

Invariant: a child is in `Process.living` from its start until it has been waited for, so `end_all` leaves none behind.
Does not know: which program it is.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

_POLL_S = 0.01
_INHERITED = ("PATH", "HOME", "PYTHONPATH")


class Process:
    """A started program. `settings` are all that its environment holds beside PATH, HOME and PYTHONPATH."""

    living: ClassVar[list["Process"]] = []

    def __init__(self, name: str, command: Sequence[str], settings: Mapping[str, object], directory: Path) -> None:
        self.name = name
        self.directory = directory
        self.url = ""  # set by whoever learns it
        self._log = directory / f"{name}.log"
        plain = {
            variable: os.environ[variable] for variable in ("PATH", "HOME", "PYTHONPATH") if variable in os.environ
        }
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                command,
                cwd=directory,
                env=plain | {variable: str(value) for variable, value in settings.items()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        Process.living.append(self)

    @classmethod
    def python(cls, name: str, module: str, settings: Mapping[str, object], directory: Path, *words: str) -> "Process":
        """A module of the project, run as its users run it."""
        return cls(name, [sys.executable, "-u", "-m", module, *words], settings, directory)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def log(self) -> str:
        """All that it has said so far."""
        return self._log.read_text(errors="replace")

    def said(self, pattern: str, within_s: float = 60.0) -> re.Match[str]:
        """Wait until its log matches. Raises `AssertionError` with the log when it ends before, or is late."""
        deadline = time.monotonic() + within_s
        while True:
            ended = self._child.poll() is not None
            found = re.search(pattern, self.log)
            if found:
                return found
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{self.name} did not say {pattern!r} within {within_s} s:\n{self.log}")
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """kill -9, and wait for its end."""
        self._child.kill()
        self._waited(10.0)

    def pause(self) -> None:
        self._child.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._child.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM: it drains; `exit_code` waits for that."""
        self._child.terminate()

    def exit_code(self, within_s: float) -> int:
        """Wait for its end. Raises `subprocess.TimeoutExpired` when it goes on for longer."""
        return self._waited(within_s)

    def _waited(self, within_s: float) -> int:
        code = self._child.wait(within_s)
        if self in Process.living:
            Process.living.remove(self)
        return code


def end_all(processes: Sequence[Process]) -> None:
    """Kill whatever of these still lives."""
    for process in processes:
        if process in Process.living:
            process.kill()
