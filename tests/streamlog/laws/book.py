"""The book in which all laws stand, by name.

Invariant: a name is used once. Does not know: what is in a law.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.streamlog.world import World

Check = Callable[[World], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Law:
    """`check` raises when the law is broken; `lacks` says what a fake server lacks for it, or is ""."""

    check: Check
    lacks: str


LAWS: dict[str, Law] = {}


def law(check: Check) -> Check:
    """Enter a law that every server can be held to."""
    return _enter(check, "")


def law_of_real_servers(lacks: str) -> Callable[[Check], Check]:
    """Enter a law that a fake server cannot be asked about, because of what it `lacks`."""
    return lambda check: _enter(check, lacks)


def _enter(check: Check, lacks: str) -> Check:
    name = check.__name__
    if name in LAWS:
        raise ValueError(f"two laws are called {name}")
    LAWS[name] = Law(check, lacks)
    return check
