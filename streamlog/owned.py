"""An owner's jobs as a list, and their removal.

Invariant: nothing here shows or removes a job of another owner; both are one script, so a job is never half removed.
Does not know: HTTP, how jobs run.
"""

import contextlib
from dataclasses import dataclass

from streamlog.garbled import lost_if_garbled
from streamlog.jobs import RECORD_FIELDS, Record
from streamlog.line import Line
from streamlog.log import Ended


@dataclass(frozen=True, slots=True)
class Place:
    """A place in an owner's list: behind the job with this id, submitted at this Redis time in microseconds."""

    created_us: int
    job_id: str


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list, newest first; `after` is where the next one begins, None at the end.

    A page may hold fewer jobs than were asked for, or none, and not be the last: one call looks at 1,000 at most.
    """

    jobs: list[tuple[str, Record]]
    after: Place | None


class OwnedJobs:
    """Raises redis-py's errors when Redis cannot be reached in time (`redis_link.LINK_ERRORS`)."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def listed(self, owner: str, most: int, *, after: Place | None = None, state: str = "") -> Listed:
        """At most `most` of the newest 10,000 jobs of an owner, of any state if `state` is "".

        A job is listed as long as its record is kept; calls of the light lane are not.
        """
        behind = (after.created_us, after.job_id) if after else ("", "")
        found, *rest = await self._line.script("list", owner, *behind, most, state, *RECORD_FIELDS)
        jobs: list[tuple[str, Record]] = []
        for job_id, *values in found:
            with contextlib.suppress(ValueError):  # a spoiled one cannot be shown, and must not hide the others
                record = Record.read(values)
                if record is not None:
                    jobs.append((job_id.decode(), record))
        return Listed(jobs, Place(int(rest[0]), rest[1].decode()) if rest else None)

    async def remove(self, owner: str, job_id: str) -> tuple[bool, Ended | None]:
        """Remove prompt, answer and record of an owner's job; one that waits or runs is cancelled first.

        Answers whether there was such a job, and its ending if it was cancelled. Raises `InternalError` `stream_lost`
        for a record that is not ours.
        """
        with lost_if_garbled():
            word, *ended = await self._line.script("remove", job_id, owner)
        return word != b"gone", Ended.read(ended) if ended else None
