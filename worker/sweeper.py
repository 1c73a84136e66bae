"""The sweep that every worker does, so that no job is forgotten and no worker is special.

Does not know: the rules; they are in `streamlog/scripts/sweep.lua`.
"""

import asyncio
import logging
from time import monotonic

from streamlog.claims import Claims
from streamlog.redis_link import LINK_ERRORS
from telemetry import announce, facts

_log = logging.getLogger("sluice.worker")


class Sweeper:
    """Sweeps every `sweep_s`, also without a free slot and during a drain."""

    def __init__(self, claims: Claims, sweep_s: float) -> None:
        self._claims = claims
        self._sweep_s = sweep_s
        self._swept = monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last sweep that Redis answered."""
        return monotonic() - self._swept

    async def sweep_for_ever(self) -> None:
        while True:
            try:
                await self._sweep()
            except LINK_ERRORS as error:
                _log.warning("sweep not done: %s", type(error).__name__)
            await asyncio.sleep(self._sweep_s)

    async def _sweep(self) -> None:
        swept = await self._claims.sweep()
        self._swept = monotonic()
        lost = len(swept.requeued)
        for ended in swept.ended:
            lost += ended.code == "worker_lost"
            announce(facts.JobEnded(ended.model, ended.state, ended.duration_s))
            _log.info("job %s %s: %s", ended.job_id, ended.state, ended.code)
        if lost:
            announce(facts.LeasesLost(lost))
