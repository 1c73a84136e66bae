"""What only the collector can free: objects that hold each other when everything else has let go of them.

Invariant: it finds what became garbage within the block, whatever the collector did meanwhile.
Does not know: who made it; that is told by the rooms' names.
"""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def garbage_of(*rooms: str) -> Iterator[Counter[str]]:
    """How many objects of each type of these packages were left to the collector; known behind the block."""
    left: Counter[str] = Counter()
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield left
        gc.collect()
        names = (f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.garbage)
        left.update(name for name in names if name.partition(".")[0] in rooms)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
