"""The one tally of this process, and the calls that reach it.

Invariant: made once, at import; everything that this process announces or shows goes through it.
Does not know: who calls.
"""

from telemetry.tally import Tally

tally = Tally()
announce = tally.announce
set_fleet = tally.set_fleet
clear_fleet = tally.clear_fleet
