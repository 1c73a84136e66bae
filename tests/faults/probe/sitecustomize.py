"""Lets a Python process say on SIGUSR1 how many asyncio tasks it has. Put this directory on its PYTHONPATH.

Invariant: nothing of the process changes until the signal comes, and nothing but a line on stderr then.
"""

import asyncio
import signal
import sys


def _say(*_: object) -> None:
    print(f"tasks: {len(asyncio.all_tasks())}", file=sys.stderr, flush=True)


signal.signal(signal.SIGUSR1, _say)
