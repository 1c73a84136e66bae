"""The leash: a tiny process that stops what its holder started, when the holder is gone without a word.

Invariant: whatever ends the holder, kill -9 included, every process group still on the leash gets SIGTERM at once and
SIGKILL `GRACE_S` later. The holder's pipe is its standard input: `+<group>` puts a process group on the leash,
`-<group>` takes it off, and the end of the pipe is the end of the holder, on Linux and macOS alike.
Does not know: what the groups do, nor in which order they would stop best. Imports the standard library only, so that
it is there before the first group is.
"""

import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_S = 5.0
_POLL_S = 0.05


def held(orders: Iterable[bytes]) -> set[int]:
    """The groups that are on the leash when the orders end."""
    groups: set[int] = set()
    for order in orders:
        change = groups.add if order.startswith(b"+") else groups.discard
        change(int(order[1:]))
    return groups


def send(group: int, number: int) -> bool:
    """Signal a process group; False if it is gone. (0 asks only.)"""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        return False  # macOS answers this, and not ESRCH, for a group of zombies; every living one is our user's
    return True


def stop(groups: set[int], grace_s: float = GRACE_S) -> None:
    """SIGTERM to all, then SIGKILL to those that are still there after `grace_s`; returns when it is done."""
    left = {group for group in groups if send(group, signal.SIGTERM)}
    deadline = time.monotonic() + grace_s
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        left = {group for group in left if send(group, 0)}
    for group in left:
        send(group, signal.SIGKILL)


def main() -> None:
    """Hold until standard input ends. Signals do not end it: it has to outlive its holder."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    stop(held(sys.stdin.buffer))


if __name__ == "__main__":
    main()
