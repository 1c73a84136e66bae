"""Python's garbage collector in a process that serves: it looks rarely, because calls leave nothing for it.

Invariant: what a call holds is free when the call is over, without the collector (tests look for cycles that keep it);
the collector remains for failures, whose tracebacks hold what they came through, and looks before these are many.
Does not know: what the process serves.
"""

import gc

# By default it looks after each 700 new objects, and through all of them again and again while a hundred calls begin:
# a twentieth of what these cost, and it finds nothing (measured: docs/performance.md). A call makes 100.
_NEW_OBJECTS = 30_000


def collect_rarely() -> None:
    """Called once, when all is imported: what the imports made is never garbage, and looking through it takes 0.1 s."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
    gc.enable()
