"""What this worker runs, and how surely each of it is still its own.

Invariant: a job is fenced off (`sure` answers False) from 4/5 of a lease after its last renewal began, by the
monotonic clock, which runs on while the process is stopped; shortly after that its upstream call is closed. Renewal
depends on no upstream traffic and goes on during a drain.
Does not know: arq, Claude, what the tasks do.
"""

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Sequence
from time import monotonic

from streamlog.claims import Claim, Claims
from streamlog.redis_link import LINK_ERRORS
from streamlog.writer import Writer
from telemetry import announce, facts

_SURE_PART = 0.8
_FRESH_PART = 0.4
_PARTS = 3
_RENEW_MOST_S = 0.5  # a Redis frozen for 3 s is then no reason to give up a lease of 5
_log = logging.getLogger("sluice.worker")


class Run:
    """One claim that is being run. Its lease, or the last renewal of that, did not begin before `since`."""

    def __init__(self, claim: Claim, since: float) -> None:
        self.claim = claim
        self.since = since
        self.writer: Writer | None = None
        self.task: asyncio.Task[None] | None = None
        self.part = hash(claim.job_id) % _PARTS  # of the renewals, those that look at it
        self.give_back = False
        self.closed = False

    @property
    def begun(self) -> bool:
        """Whether content has been written, or is just being written."""
        return self.writer is not None and self.writer.handed_over

    def close(self) -> None:
        """Stop it: the upstream call is closed, nothing more is written."""
        self.closed = True
        if self.task is not None:
            self.task.cancel()

    def forget(self) -> None:
        """It is over: let go of what points back here, so that its request is free at once, without the collector."""
        self.close()
        self.task = self.writer = None


class Running:
    """All runs of this worker, by job id."""

    def __init__(self, claims: Claims, lease_s: float) -> None:
        self._claims = claims
        self._lease_s = lease_s
        self._renewal_due = asyncio.Event()
        self._all_due = False
        self.runs: dict[str, Run] = {}

    def renew_soon(self) -> None:
        """Renew without waiting for the next time: something of ours may have been cancelled."""
        self._all_due = True
        self._renewal_due.set()

    async def kept(self, claims: list[Claim], since: float) -> tuple[list[Claim], float]:
        """Those of these claims that are still ours, and since when at the latest; `since` is what is known of that.

        A lease that may have run out by now is renewed first. Raises redis-py's errors.
        """
        if not claims or monotonic() - since < _FRESH_PART * self._lease_s:
            return claims, since
        asked = monotonic()
        lost = await self._renewed([(claim.job_id, claim.attempt) for claim in claims], ())
        return [claim for claim in claims if claim.job_id not in lost], asked

    def sure(self, run: Run) -> bool:
        """Whether the lease of this run has certainly not run out."""
        return monotonic() - run.since < _SURE_PART * self._lease_s

    async def renew_for_ever(self) -> None:
        """Renew all leases every min(lease / 3, 0.5 s); close what is no longer ours.

        Each time a third of them is looked at, so that what ended elsewhere is heard of within 1.5 s; all are when
        something of ours may have been cancelled.
        """
        for turn in itertools.count():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self._lease_s / 3, _RENEW_MOST_S)):
                    await self._renewal_due.wait()
            part = None if self._all_due else turn % _PARTS
            self._all_due = False
            self._renewal_due.clear()
            try:
                await self._renew(part)
            except LINK_ERRORS as error:
                _log.warning("leases not renewed: %s", type(error).__name__)
            except Exception:  # whatever it was that Redis told: without renewals the process would have to end
                _log.exception("leases not renewed")

    async def _renew(self, part: int | None = None) -> None:
        """Look at one part of the runs, or at all; and at those whose lease may have run out: only it is told so."""
        runs = list(self.runs.values())
        if not runs:
            return
        asked = monotonic()
        seen = {run for run in runs if part in (None, run.part) or not self.sure(run)}
        pairs = [(run.claim.job_id, run.claim.attempt) for run in seen]
        unseen = [run.claim.job_id for run in runs if run not in seen and not run.closed]
        lost = await self._renewed(pairs, unseen)
        for run in runs:
            if run.claim.job_id in lost:
                run.close()
            else:
                run.since = asked
        if monotonic() - asked > _RENEW_MOST_S:  # an outage that ends must not add to one that begins
            self.renew_soon()

    async def _renewed(self, pairs: Sequence[tuple[str, int]], unseen: Sequence[str]) -> set[str]:
        """Renew, count what nobody listens to any more, and answer what is lost."""
        lost, abandoned = await self._claims.renew(pairs, unseen)
        for ended in abandoned:
            announce(facts.JobEnded(ended.model, "cancelled", ended.duration_s))
        return lost

    async def guard_for_ever(self) -> None:
        """Close the upstream calls of runs that could not be renewed in time, whatever Redis does."""
        while True:
            await asyncio.sleep(self._lease_s / 10)
            unsure = [run for run in self.runs.values() if not self.sure(run)]
            for run in unsure:
                run.close()
            if unsure:
                _log.warning("%d jobs closed: their leases could not be renewed in time", len(unsure))
