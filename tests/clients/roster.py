"""Which clients there are: every folder beside this file that has a `roster.py` enters its drivers.

Invariant: no two clients have the same name. The contract between a driver and the suite is README.md beside this file.
Does not know: the cases, how a driver is run.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Client:
    """One way to call Claude. What it cannot do has a reason, by kind and by name of the case, or a pattern of it."""

    name: str
    cannot: Mapping[str, str] = field(default_factory=dict)
    cannot_kinds: Mapping[str, str] = field(default_factory=dict)

    def reason_against(self, case: str, kind: str) -> str | None:
        """Why this client cannot do the case; None if it can."""
        by_name = (reason for pattern, reason in self.cannot.items() if fnmatchcase(case, pattern))
        return self.cannot_kinds.get(kind) or next(by_name, None)


@dataclass(frozen=True)
class Driver:
    """A program that uses clients. `needs` says what it takes, as in "needs node"; `ready`, whether it is there."""

    command: tuple[str, ...]
    clients: tuple[Client, ...]
    needs: str
    ready: Callable[[], bool]
    heavy: bool = False


def drivers() -> list[Driver]:
    """All of them, the light ones first."""
    folders = sorted(path.parent.name for path in HERE.glob("*/roster.py"))
    found: list[Driver] = []
    for folder in folders:
        found += importlib.import_module(f"tests.clients.{folder}.roster").DRIVERS
    names = [client.name for driver in found for client in driver.clients]
    assert len(names) == len(set(names)), f"two clients have one name: {names}"
    return sorted(found, key=lambda driver: driver.heavy)
