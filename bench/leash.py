"""What the bench starts ends with it, however it ends: its process groups are on one leash.

Does not know: what they are.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path


@cache
def _leash() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "cli.leash"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, cwd=Path(__file__).parents[1], start_new_session=True)


def hold(group: int) -> None:
    """It is ended when this process is gone."""
    _order(b"+%d\n" % group)


def let_go(group: int) -> None:
    """It has ended."""
    _order(b"-%d\n" % group)


def _order(order: bytes) -> None:
    pipe = _leash().stdin
    assert pipe is not None
    pipe.write(order)
    pipe.flush()
