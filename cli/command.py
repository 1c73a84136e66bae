"""What `sluice up` runs: commands, and the order of their end.

Invariant: values only; nothing here starts anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class CannotGoOn(Exception):
    """Something that has to be there cannot be; the message is one clear line for the user."""


class WrongUsage(Exception):
    """What was asked for can never work; the message is one clear line for the user."""


class Stage(IntEnum):
    """When a process is stopped: lower ones first, so that none loses what it stands on."""

    SERVING = 1
    UPSTREAM = 2
    STORE = 3


@dataclass(frozen=True)
class Command:
    """What to run, and how it is called. `inherited` are file descriptors that the process keeps open."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    stage: Stage = Stage.SERVING
    umask: int = -1
    inherited: tuple[int, ...] = ()
