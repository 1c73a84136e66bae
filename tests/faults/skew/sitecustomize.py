"""Moves the wall clock of one Python process: `FAULTS_SKEW_S` seconds ahead. Put this directory on its PYTHONPATH.

The monotonic clock, by which deadlines are kept, stays as it is: that is what a wrong wall clock looks like.
"""

import os
import sys
import time

_SKEW_S = float(os.environ["FAULTS_SKEW_S"])
_time, _time_ns = time.time, time.time_ns


def _moved() -> float:
    return _time() + _SKEW_S


def _moved_ns() -> int:
    return _time_ns() + int(_SKEW_S * 1e9)


time.time, time.time_ns = _moved, _moved_ns
print(f"the clock says {time.time():.3f}", file=sys.stderr, flush=True)
