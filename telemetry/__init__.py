"""Facts announced by the other rooms become numbers, words and logs.

    from telemetry import announce, facts
    announce(facts.SubscriberJoined())

Invariant: one process has one registry; telling it something never raises and never waits.
Does not know: Redis, HTTP frameworks, any other room.
"""

from telemetry import facts
from telemetry.process import announce, clear_fleet, set_fleet

__all__ = ["announce", "clear_fleet", "facts", "set_fleet"]
