"""Whether and when a process that died starts again.

Invariant: after `QUICK_DEATHS` deaths in a row, each within `QUICK_S` of its start, there is no next start. (A window
of deaths a time would never fill for a process that takes seconds to fail.)
Does not know: the process.
"""

import signal
from dataclasses import dataclass, field

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
QUICK_S = 10.0
QUICK_DEATHS = 5


@dataclass
class Restarts:
    """Decides about starting again. A life of `QUICK_S` or more makes all earlier deaths forgotten."""

    quick_deaths: int = field(default=0, init=False)

    def pause_s(self, lived_s: float) -> float | None:
        """The wait before the next start, or None: give it up."""
        self.quick_deaths = self.quick_deaths + 1 if lived_s < QUICK_S else 0
        if self.quick_deaths >= QUICK_DEATHS:
            return None
        return min(FIRST_PAUSE_S * 2.0 ** max(self.quick_deaths - 1, 0), LONGEST_PAUSE_S)


def death(code: int) -> str:
    """An exit code in words; negative ones are signals, as in `subprocess`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
