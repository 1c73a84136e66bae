"""A worker's side of the queue: claim, renew, let go, and the sweep that every worker does.

Invariant: a claim is an attempt that no other worker shares, and holds for one lease after its last renewal. All
rules are in the scripts; this file gives their answers names.
Does not know: arq, Claude, what is done with a claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streamlog.jobs import CALL_FIELDS
from streamlog.keys import Lane
from streamlog.line import Line
from streamlog.log import Ended
from streamlog.scripts import Argument

MOST_AT_ONCE = 8
BODY_BROUGHT_BYTES = 64 * 1024
_MODEL = CALL_FIELDS.index("model")


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt at one job, with what is needed to begin.

    `hold_left_s` is how long its client's head is still held (≤ 0: not any more). `arq_job` is what arq keeps of the
    job. `body` is None for one beyond `BODY_BROUGHT_BYTES`, and when it is gone. `call_values` are the values of
    `jobs.CALL_FIELDS`, for `Request.read`.
    """

    job_id: str
    attempt: int
    hold_left_s: float
    queue_wait_s: float
    arq_job: bytes | None
    body: bytes | None
    request_id: str
    call_values: list[bytes | None]

    @property
    def model(self) -> str:
        """The caller's word for the model, for whoever counts."""
        return (self.call_values[_MODEL] or b"").decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did: jobs that it ended, and ids that it put back into the queue. `running`: jobs of all workers
    that run now."""

    ended: list[Ended]
    requeued: list[str]
    running: int


class Claims:
    """Raises redis-py's errors when Redis cannot be reached in time (`redis_link.LINK_ERRORS`)."""

    def __init__(self, line: Line, worker: str, lease_s: float, most_claims: int = 3) -> None:
        self._line = line
        self._worker = worker
        self._lease_ms = int(lease_s * 1000)
        self._most_claims = most_claims

    async def claim(self, most: int, lane: Lane = Lane.WORK) -> list[Claim]:
        """Take at most `most` (and at most `MOST_AT_ONCE`) jobs of a lane, oldest first.

        Never sent twice: claims whose answer is lost fall to the sweep when their lease runs out.
        """
        return self.claimed(await self._line.command(*self.claiming(most, lane), once=True))

    def claiming(self, most: int, lane: Lane = Lane.WORK) -> tuple[Argument, ...]:
        """The command behind `claim`, for who lets Redis carry it out at its own time (`Bell.wait`)."""
        most = min(most, MOST_AT_ONCE)
        fields = ("request_id", *CALL_FIELDS)
        return self._line.spelled("claim", self._worker, most, self._lease_ms, BODY_BROUGHT_BYTES, lane, *fields)

    def claimed(self, rows: list[Any]) -> list[Claim]:
        """What that command has answered."""
        return [
            Claim(
                job_id.decode(),
                int(attempt),
                int(hold_ms) / 1000,
                int(wait_us) / 1e6,
                arq_job,
                body,
                (request_id or b"").decode(errors="replace"),
                call,
            )
            for job_id, attempt, hold_ms, wait_us, arq_job, body, request_id, *call in rows
        ]

    @property
    def silent_s(self) -> float:
        """How long ago the newest call was made that Redis has answered."""
        return self._line.silent_s

    def rouse(self) -> None:
        """Wake this worker where it waits at a bell. Nobody waits for the answer: it would wake by itself."""
        answer = self._line.script("rouse", self._worker)
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def renew(
        self, claims: Sequence[tuple[str, int]], unseen: Sequence[str] = ()
    ) -> tuple[set[str], list[Ended]]:
        """Extend the leases of these (id, attempt) pairs, and those of the `unseen` ids, of which nothing is asked.

        Answers the ids of pairs that are no longer ours, and the jobs ended just now because nobody listens any more.
        """
        flat = [value for pair in claims for value in pair]
        answers = await self._line.script("renew", self._lease_ms, len(unseen), *unseen, *flat)
        lost: set[str] = set()
        abandoned: list[Ended] = []
        for (job_id, _), answer in zip(claims, answers, strict=True):
            if answer != b"ours":
                lost.add(job_id)
            if isinstance(answer, list):
                abandoned.append(Ended.read(answer[1:]))
        return lost, abandoned

    async def sweep(self, page: int = 100) -> Swept:
        """Deal with a page of leases that ran out and of queued jobs whose time has come."""
        running, *rows = await self._line.script("sweep", self._worker, page, self._most_claims)
        swept = Swept([], [], running)
        for row in rows:
            if row[0] == b"ended":
                swept.ended.append(Ended.read(row[1:]))
            else:
                swept.requeued.append(row[1].decode())
        return swept

    async def release(self, job_id: str, attempt: int, *, give_back: bool = False) -> str:
        """Let go of a job that this worker did not end: the sweep decides. With `give_back` a job without content
        returns to the queue at once, and the claim does not count. Answers released, requeued or not_ours."""
        answer: bytes = await self._line.script("release", job_id, attempt, int(give_back))
        return answer.decode()
