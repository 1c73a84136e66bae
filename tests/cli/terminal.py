"""A program in a real terminal of its own (a pty), whose screen is read and whose keys are pressed.

Invariant: every wait has a limit; when it is over the screen is told.
"""

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
from collections.abc import Mapping, Sequence
from typing import Self

from tests.cli.emulator import Emulator
from tests.cli.waiting import until

_TYPE = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
_INHERITED = ("PATH", "HOME", "PYTHONPATH")


class Terminal:
    """The program is the leader of the terminal's session, so Ctrl-C reaches it as it does from a keyboard."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], columns: int = 80, rows: int = 24
    ) -> None:
        self.screen = Emulator(columns, rows)
        self._lock = threading.Lock()
        self._ours, its = pty.openpty()
        self.resize(columns, rows)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self.process = subprocess.Popen(
            command,
            stdin=its,
            stdout=its,
            stderr=its,
            env={**inherited, **_TYPE, **environment},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(its)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._reader.join(10)
        os.close(self._ours)

    @property
    def text(self) -> str:
        """All that is to be seen, scrolled lines included."""
        with self._lock:
            return self.screen.text

    def resize(self, columns: int, rows: int) -> None:
        """As a person pulls the window's corner; what is on the screen stays as it was broken."""
        with self._lock:
            self.screen.columns, self.screen.rows = columns, rows
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    @property
    def local_flags(self) -> int:
        """How the terminal is set now: ECHO and the like."""
        return int(termios.tcgetattr(self._ours)[3])

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def press_ctrl_c(self) -> None:
        self.type("\x03")

    def shows(self, text: str, within_s: float = 20.0) -> None:
        """Wait until it does."""
        try:
            until(lambda: text in self.text, within_s)
        except AssertionError:
            raise AssertionError(f"{text!r} is not on the screen:\n{self.text}") from None

    def exit_code(self, within_s: float = 20.0) -> int:
        """Wait for its end, and for all that it has written."""
        code = self.process.wait(within_s)
        self._reader.join(within_s)
        return code

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the last one has closed its end
            while data := os.read(self._ours, 65_536):
                with self._lock:
                    self.screen.feed(data)
