"""The sweep that every worker and every gateway does, so that no job is forgotten and no process is special.

Invariant: it goes on whatever Redis does, and a full page is followed by the next at once.
Does not know: the rules; they are in `scripts/sweep.lua`. Nor who is told (`on_swept`).
"""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic

from streamlog.claims import Claims, Swept
from streamlog.redis_link import LINK_ERRORS

_PAGE = 100
_log = logging.getLogger("sluice.sweep")


class Sweeper:
    """Sweeps every `sweep_s`: in a worker also without a free slot and during a drain."""

    def __init__(self, claims: Claims, sweep_s: float, on_swept: Callable[[Swept], None]) -> None:
        self._claims = claims
        self._sweep_s = sweep_s
        self._on_swept = on_swept
        self._swept = monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last sweep that Redis answered."""
        return monotonic() - self._swept

    async def sweep_for_ever(self) -> None:
        while True:
            try:
                while await self._sweep() >= _PAGE:
                    pass
            except LINK_ERRORS as error:
                _log.warning("sweep not done: %s", type(error).__name__)
            except Exception:  # whatever it was that Redis told: without its sweep the process would have to end
                _log.exception("sweep not done")
            await asyncio.sleep(self._sweep_s)

    async def _sweep(self) -> int:
        swept = await self._claims.sweep(_PAGE)
        self._swept = monotonic()
        for ended in swept.ended:
            _log.info("job %s %s: %s", ended.job_id, ended.state, ended.code)
        self._on_swept(swept)
        return len(swept.ended) + len(swept.requeued)
