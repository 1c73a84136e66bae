"""One deployment under test, in a key prefix of its own, with a hand on the clock.

Invariant: nothing is shared with another world on the same server; time passes by `pass_time`, never by waiting.
Does not know: the laws.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, Self

from redis.asyncio import Redis

from streamlog.claims import Claim, Claims
from streamlog.frames import plain_chunk, read_chunk
from streamlog.hub import Hub
from streamlog.jobs import Record, Request, Sameness, Terms
from streamlog.keys import Keys
from streamlog.lifecycle import State
from streamlog.line import Line
from streamlog.log import Placed, StreamLog
from streamlog.redis_link import connect
from streamlog.scripts import Argument, Scripts
from streamlog.settings import JobSettings, RedisSettings
from streamlog.writer import Writer

LEASE_S = 5.0
GRACE_S = 10.0
WATCH_S = 15.0
QUEUE_WAIT_S = 60.0
KEEP_S = 30.0
SAME = Sameness("fingerprint")
DETACHED = Terms("owner", "req_1", None, 5.0, GRACE_S, WATCH_S, QUEUE_WAIT_S, 600.0, KEEP_S, SAME)
REQUEST = Request("POST", "/v1/messages?beta=true", {"anthropic-version": "2023-06-01"}, b'{"n":1}', "claude", True)
EVENT = b'event: content_block_delta\ndata: {"delta":"word "}\n\n'

_prefixes = count(1)


def arguments(claim: Claim, number: int, data: bytes) -> tuple[Argument, ...]:
    """What `appends` is told about one frame of this attempt, behind the one before it."""
    before, position = (f"{claim.attempt}-{number}" for number in (number - 1, number))
    return (claim.job_id, before, position, plain_chunk(claim.attempt, number, number, data))


class World:
    """Enter it to connect. `scripts` replaces the scripts (with broken ones, to see whether a law notices)."""

    def __init__(
        self,
        url: str,
        *,
        scripts: Callable[[Keys], Scripts] = Scripts,
        timeout_s: float = 5.0,
        pubsub: bool = True,
    ) -> None:
        prefix = f"world-{next(_prefixes)}:"
        self.keys = Keys(prefix)
        self.settings = RedisSettings(redis_url=url, prefix=prefix, redis_timeout_s=timeout_s, pubsub=pubsub)
        self.line = Line(self.settings, scripts(self.keys))
        self.hub = Hub(self.settings, self.keys)
        self.log = StreamLog(self.line, self.keys, JobSettings())
        self.placed: set[str] = set()  # arq's keys have no prefix: by their jobs one knows whose they are

    async def __aenter__(self) -> Self:
        await self.line.start()
        await self.hub.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.hub.close()
        await self.line.close()

    def client(self) -> Redis:
        """A connection of its own, for what a `Line` does not carry. Close it."""
        return connect(self.settings)

    async def call(self, *command: str | bytes | int) -> Any:
        """What Redis answers to any command."""
        return await self.line.command(*command)

    async def submit(
        self, request: Request = REQUEST, *, log: StreamLog | None = None, gateway: str | None = None, **terms: Any
    ) -> str:
        """A queued job's id: detached, or attached to `gateway`."""
        return (await self.place(request, log=log, gateway=gateway, **terms)).job_id

    async def place(
        self, request: Request = REQUEST, *, log: StreamLog | None = None, gateway: str | None = None, **terms: Any
    ) -> Placed:
        """Where a submit led."""
        placed = await (log or self.log).submit(request, replace(DETACHED, gateway=gateway, **terms))
        self.placed.add(placed.job_id)
        return placed

    def claims(self, worker: str = "worker") -> Claims:
        return Claims(self.line, worker, LEASE_S)

    async def claim(self) -> Claim:
        """The one job that is queued, claimed."""
        (claim,) = await self.claims().claim(8)
        return claim

    def writer(self, claim: Claim) -> Writer:
        return Writer(self.line, claim.job_id, claim.attempt, lambda: True)

    async def running(
        self, request: Request = REQUEST, *, gateway: str | None = None, **terms: Any
    ) -> tuple[Claim, Writer]:
        """A claimed job without content."""
        await self.submit(request, gateway=gateway, **terms)
        claim = await self.claim()
        return claim, self.writer(claim)

    async def record(self, job_id: str) -> Record:
        """The job's record, which must be there."""
        record = await self.log.record(job_id)
        assert record is not None
        return record

    async def state(self, job_id: str) -> State:
        return (await self.record(job_id)).state

    async def frames(self, job_id: str) -> bytes:
        """All bytes of the job's log."""
        entries = await self.call("XRANGE", self.keys.log(job_id), "-", "+")
        return b"".join(read_chunk(text).data for _, (_, text) in entries)

    async def pass_time(self, job_id: str, seconds: float) -> None:
        """As if the job had been left alone for so long: every moment that is kept of it moves back by that."""
        ms = int(seconds * 1000)
        moments = {"queue_until_ms": ms, "hold_until_ms": ms, "left_ms": ms}
        moments |= {"created_us": ms * 1000, "claimed_us": ms * 1000}
        for field, back in moments.items():
            if await self.call("HEXISTS", self.keys.record(job_id), field):
                await self.call("HINCRBY", self.keys.record(job_id), field, -back)
        for gateway in await self.call("HKEYS", self.keys.watch(job_id)):
            await self.call("HINCRBY", self.keys.watch(job_id), gateway, -ms)
        for key in (self.keys.leases, self.keys.checks):
            await self.call("ZADD", key, "XX", "INCR", -ms, job_id)

    async def now_ms(self) -> int:
        """The server's clock."""
        seconds, micros = await self.call("TIME")
        return int(seconds) * 1000 + int(micros) // 1000
