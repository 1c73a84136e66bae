"""The parts of one gateway, and the two things that routes do with them: submit a job, follow a job.

Invariant: every job that a route starts has passed the same checks in the same order.
Does not know: HTTP paths, responses.
"""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

from starlette.requests import Request as HttpRequest

from gateway.access import Access
from gateway.assistants import Assistants
from gateway.clients import Client
from gateway.fleet import FleetView
from gateway.intake import Intake
from gateway.patience import patience_s
from gateway.replies import new_request_id
from gateway.sameness import sameness
from gateway.settings import GatewaySettings
from gateway.subscribers import Subscribers
from gateway.tokens import Tokens
from gateway.turns import Turns
from streamlog.claims import Claims
from streamlog.conversations import Conversations
from streamlog.errors import ClientError, InternalError
from streamlog.expected import Expected
from streamlog.follow import Follower
from streamlog.hub import Hub
from streamlog.jobs import Record, Request, Sameness, Terms
from streamlog.keys import Keys, Lane
from streamlog.line import Line
from streamlog.log import Placed, StreamLog
from streamlog.owned import OwnedJobs
from streamlog.positions import JOB_ID, Position
from streamlog.presence import Presence
from streamlog.scripts import Scripts
from streamlog.settings import JobSettings, RedisSettings
from streamlog.sweeper import Sweeper
from telemetry import announce, facts
from telemetry.sweeping import announce_swept

_SWEEP_S = 0.5


@dataclass(frozen=True, slots=True)
class Way:
    """How a job gets into the queue: by which script, what it is known again by, and, if not as usual, how long its
    answer is kept."""

    place: Callable[[Request, Terms], Awaitable[Placed]]
    sameness: Sameness
    keep_s: float | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """Where a call has led: to a job just queued, or (`joined`) to one that it repeats.

    `accepted` is the monotonic time at which the request arrived; `hold_s` is how long its head may be held, `ping_s`
    the silence that its client bears.
    """

    job_id: str
    request_id: str
    model: str
    created_us: int
    joined: bool
    accepted: float
    hold_s: float
    ping_s: float


class Service:
    """Start with `start`, end with `close`."""

    def __init__(self, redis: RedisSettings, jobs: JobSettings, settings: GatewaySettings) -> None:
        keys = Keys(redis.prefix)
        self.settings = settings
        self.jobs = jobs
        self.line = Line(redis, Scripts(keys))
        self.hub = Hub(redis, keys)
        self.expected = Expected(self.hub)
        self.log = StreamLog(self.line, keys, jobs)
        self.owned = OwnedJobs(self.line)
        self.conversations = Conversations(self.line, keys, jobs)
        self.presence = Presence(self.line, f"gw_{secrets.token_hex(8)}", jobs)
        self.subscribers = Subscribers(self.presence)
        self.fleet = FleetView(self.log)
        self.turns = Turns()
        self.access = Access(settings)
        self.assistants = Assistants(settings, self.access.names())
        self.intake = Intake(settings)
        self.tokens = Tokens(settings, self.line, keys)
        # Without any worker someone must still end what waits and what was running.
        sweeps = Claims(self.line, worker="", lease_s=0)
        self.sweeper = Sweeper(sweeps, _SWEEP_S, lambda swept: announce_swept(swept.ended, len(swept.requeued)))

    async def start(self) -> None:
        for part in (self.line, self.hub, self.presence):
            await part.start()

    async def close(self) -> None:
        for part in (self.presence, self.hub, self.line):
            await part.close()

    @asynccontextmanager
    async def admitted(self, http: HttpRequest) -> AsyncIterator[tuple[Client, bytes]]:
        """Who makes a call that may start work, and its body; the block submits it. Raises `SluiceError`."""
        await self.turns.mine()
        client = self.access.client(http.headers)
        self._refuse_while_draining()
        async with self.intake.body(http) as body:
            self._refuse_while_draining()  # a body may take its time
            with self.subscribers.coming():
                yield client, body

    def _refuse_while_draining(self) -> None:
        if self.subscribers.draining:
            raise InternalError("draining", retry_after_s=1)

    async def submit(
        self,
        http: HttpRequest,
        client: Client,
        request: Request,
        *,
        attached: bool,
        accepted: float,
        lane: Lane = Lane.WORK,
        way: Way | None = None,
    ) -> Submitted:
        """Queue a job, or join the one that this call repeats. Raises `SluiceError`, or redis-py's errors."""
        if attached:
            self.refuse_without_workers()
        way = way or Way(self.log.submit, await sameness(http.headers, client.owner, request, attached=attached))
        request_id, half_s = new_request_id(), patience_s(http.headers) / 2
        hold_s = min(self.jobs.hold_s, half_s)
        job_id = self.expected.take() if attached else ""
        terms = self._terms(client, request_id, job_id, attached, hold_s, way, lane)
        placed = await self._placed(way, request, terms)
        if placed.joined:
            announce(facts.Joined("idempotency" if terms.sameness.idempotency else "retry"))
        return Submitted(
            job_id=placed.job_id,
            request_id=request_id,
            model=request.model,
            created_us=placed.created_us,
            joined=placed.joined,
            accepted=accepted,
            hold_s=hold_s,
            ping_s=min(self.settings.ping_s, half_s),
        )

    async def _placed(self, way: Way, request: Request, terms: Terms) -> Placed:
        """Puts the job into the queue; nobody listens any more to one that is not to be, or is another."""
        led_to = ""
        try:
            placed = await way.place(request, terms)
            led_to = placed.job_id
        finally:
            if led_to != terms.job_id:
                self.expected.dismiss(terms.job_id)
        return placed

    def _terms(
        self, client: Client, request_id: str, job_id: str, attached: bool, hold_s: float, way: Way, lane: Lane
    ) -> Terms:
        jobs = self.jobs
        if attached:
            queue_wait_s, keep_s = jobs.queue_wait_attached_s, client.keep_attached_s or jobs.keep_attached_s
        else:
            queue_wait_s, keep_s = jobs.queue_wait_detached_s, client.keep_detached_s or jobs.keep_detached_s
        return Terms(
            owner=client.owner,
            request_id=request_id,
            gateway=self.presence.gateway if attached else None,
            hold_s=hold_s if attached else 0.0,
            grace_s=jobs.grace_s,
            watch_s=jobs.watch_s,
            queue_wait_s=queue_wait_s,
            run_limit_s=jobs.run_limit_s,
            keep_s=way.keep_s or keep_s,
            quota=client.quota,
            sameness=way.sameness,
            lane=lane,
            job_id=job_id,
        )

    def refuse_without_workers(self) -> None:
        """Raises `InternalError` `no_workers` when there has been none for a while: someone waits for the answer."""
        if self.fleet.without_workers_s > self.settings.no_workers_s:
            raise InternalError("no_workers", retry_after_s=5)

    def follow(self, job_id: str, after: Position | None = None, *, fresh: bool = False) -> Follower:
        """Follow a job from a position; whoever calls this closes it."""
        if after is not None:
            announce(facts.Replayed("resume"))
        ear = self.expected.listener(job_id) if fresh else None
        return Follower(self.log, self.hub, job_id, after, fresh=fresh, listener=ear, on_reread=_announce_reread)

    async def own_record(self, http: HttpRequest, job_id: str) -> Record:
        """The record of a job of this caller. Raises `ClientError`, the same for a foreign and an unknown job."""
        owner = self.access.client(http.headers).owner
        record = await self.log.record(job_id) if JOB_ID.fullmatch(job_id) else None
        if record is None or record.owner != owner:
            raise ClientError("job_not_found")
        return record

    async def signed_record(self, job_id: str, token: str) -> Record:
        """The record of the job that a token opens. Raises `ClientError` `job_not_found` for whatever is wrong."""
        known = JOB_ID.fullmatch(job_id) is not None and await self.tokens.opens(token, job_id)
        record = await self.log.record(job_id) if known else None
        if record is None:
            raise ClientError("job_not_found")
        return record


def now() -> float:
    """The clock by which first-token times are measured."""
    return monotonic()


def _announce_reread(reason: str) -> None:
    announce(facts.Replayed(reason))
