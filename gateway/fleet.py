"""What this gateway knows of the fleet: read every two seconds, shown in gauges, asked before a submit.

Invariant: a figure is never older than it says: when Redis does not answer, the gauges are cleared.
Does not know: who asks.
"""

import asyncio
from time import monotonic

import telemetry
from streamlog.log import Fleet, StreamLog
from streamlog.redis_link import LINK_ERRORS

_READ_S = 2.0


class FleetView:
    """The last reading, and since when no worker has been seen."""

    def __init__(self, log: StreamLog) -> None:
        self._log = log
        self._worker_seen = monotonic()
        self.last: Fleet | None = None

    @property
    def without_workers_s(self) -> float:
        """Seconds since a live worker was last seen; counts from the gateway's start at the latest."""
        return monotonic() - self._worker_seen

    async def read(self) -> Fleet | None:
        """Read anew; None when Redis does not answer in time."""
        try:
            fleet = self.last = await self._log.fleet()
        except LINK_ERRORS:
            self.last = None
            telemetry.clear_fleet()
            self._worker_seen = max(self._worker_seen, monotonic() - _READ_S)  # an outage says nothing about workers
            return None
        if fleet.workers:
            self._worker_seen = monotonic()
        telemetry.set_fleet(
            queue_depth=fleet.queued, oldest_s=fleet.oldest_s, leases=fleet.leases, workers=fleet.workers
        )
        return fleet

    async def read_for_ever(self) -> None:
        while True:
            await self.read()
            await asyncio.sleep(_READ_S)
