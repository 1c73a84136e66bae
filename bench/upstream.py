"""The stand-in as a target: started for a block, measured as `direct`.

Does not know: what stands before it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.process import Process
from bench.target import Target


@contextlib.contextmanager
def standin() -> Iterator[Target]:
    """It runs, with `python -m bench.standin`, while the block is open."""
    path = {"PYTHONPATH": str(Path(__file__).parents[1])}
    with Process(
        "stand-in",
        [sys.executable, "-P", "-m", "bench.standin"],
        says=r"^stand-in at (\S+)$",
        environment=path,
    ) as process:
        yield replace(Target.at("direct", process.said), processes=lambda: {"stand-in": process.pid})
