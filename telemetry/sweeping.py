"""What a sweep did, as facts: who sweeps, a worker or a gateway, makes no difference.

Does not know: the sweep; it is told what it did.
"""

from collections.abc import Iterable
from typing import Protocol

from telemetry import facts
from telemetry.process import announce


class Ended(Protocol):
    """A job that was ended by name. `duration_s` runs from its submit."""

    @property
    def model(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def duration_s(self) -> float: ...


def announce_swept(ended: Iterable[Ended], requeued: int) -> None:
    """Announce jobs that a sweep ended, and leases that it found to have run out: put back, or ended as lost."""
    lost = requeued
    for job in ended:
        lost += job.code == "worker_lost"
        announce(facts.JobEnded(job.model, job.state, job.duration_s))
    if lost:
        announce(facts.LeasesLost(lost))
