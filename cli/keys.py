"""What is typed while an answer comes: not shown, and kept for the next prompt. Ctrl-C works as ever.

Invariant: the terminal is as it was when the block has ended, by SIGTERM too. In the background nothing is touched:
the system would stop the process.
"""

import os
import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_LOCAL_FLAGS = 3


@contextmanager
def unechoed() -> Iterator[None]:
    """For the block, if stdin is a terminal and this process is in its foreground."""
    try:
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        ours = os.tcgetpgrp(terminal) == os.getpgrp()
    except (AttributeError, OSError, ValueError, termios.error):  # none at all, a pipe, a file
        ours = False
    if not ours:
        yield
        return
    quiet = [*before]
    quiet[_LOCAL_FLAGS] &= ~termios.ECHO
    handled = signal.signal(signal.SIGTERM, _end)
    termios.tcsetattr(terminal, termios.TCSADRAIN, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        signal.signal(signal.SIGTERM, handled)


def _end(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
