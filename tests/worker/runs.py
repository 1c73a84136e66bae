"""One job generated from its submit to its ending, against an upstream of the test's choice.

Invariant: what is looked at afterwards is read from Redis, as a gateway would.
Does not know: arq, leases.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from simulator.choice import Pace
from simulator.server import Simulator
from streamlog.claims import Claim
from streamlog.frames import id_line, read_chunk
from streamlog.jobs import Record, Request
from streamlog.positions import Position
from streamlog.writer import Writer
from tests.streamlog.world import World
from tests.worker.calls import calling
from tests.worker.wire import Reply, Wire, serving
from worker.generate import generate
from worker.settings import WorkerSettings
from worker.upstream import Upstream

PLAIN = Request("POST", "/v1/messages", {}, b'{"stream": true}', "claude-x", True)
WHOLE = Request("POST", "/v1/messages", {}, b'{"stream": false}', "claude-x", False)
_LIMIT_S = 20.0


def message(scenario: str = "text events=5", *, stream: bool = True) -> Request:
    """A Messages call that asks the simulator for a scenario."""
    body = {
        "model": "claude-test",
        "max_tokens": 4096,
        "stream": stream,
        "messages": [{"role": "user", "content": f"[[sim:{scenario}]] Why is the sky blue?"}],
    }
    headers = {"anthropic-version": "2023-06-01"}
    return Request("POST", "/v1/messages", headers, json.dumps(body).encode(), "claude-test", stream)


@asynccontextmanager
async def simulating() -> AsyncIterator[tuple[Simulator, Upstream]]:
    """A simulator that answers at once, and a client of it."""
    async with Simulator(pace=Pace(0, 0)) as simulator, calling(simulator.base_url) as upstream:
        yield simulator, upstream


@dataclass
class Runner:
    """Generates jobs in one world by one upstream."""

    world: World
    upstream: Upstream
    settings: WorkerSettings
    sure: bool = True  # what the fence answers

    async def claimed(self, request: Request, *, hold_s: float = 5.0, **terms: Any) -> tuple[Claim, Writer]:
        """A submitted and claimed job, and the pen of its attempt."""
        await self.world.submit(request, hold_s=hold_s, **terms)
        claim = await self.world.claim()
        return claim, Writer(self.world.line, claim.job_id, claim.attempt, lambda: self.sure)

    async def go(self, claim: Claim, writer: Writer, run_limit_s: float = _LIMIT_S) -> None:
        """Run the claim to its end."""
        await generate(self.world.log, self.upstream, self.settings, claim, writer, run_limit_s)

    async def run(
        self, request: Request, *, hold_s: float = 5.0, run_limit_s: float = _LIMIT_S, **terms: Any
    ) -> "Outcome":
        """From the submit to the end; answers what is left in Redis."""
        claim, writer = await self.claimed(request, hold_s=hold_s, **terms)
        await self.go(claim, writer, run_limit_s)
        return await self.outcome(claim)

    async def outcome(self, claim: Claim) -> "Outcome":
        """What Redis says of the job now."""
        entries = await self.world.call("XRANGE", self.world.keys.log(claim.job_id), "-", "+")
        chunks = [read_chunk(text) for _, (_, text) in entries]
        head = json.loads(chunks[0].head or b"{}") if chunks else {}
        return Outcome(claim, await self.world.record(claim.job_id), head, [chunk.data for chunk in chunks])


@dataclass
class Outcome:
    """A job's record, the upstream's head as it stands beside the first chunk, and the chunks."""

    claim: Claim
    record: Record
    head: dict[str, Any]
    chunks: list[bytes]

    @property
    def events(self) -> list[bytes]:
        """The events without their id lines, which must number them from 1 on."""
        found = []
        for number, frame in enumerate(re.split(rb"(?m)^(?=id: job_)", b"".join(self.chunks))[1:], 1):
            line = id_line(self.claim.job_id, Position(self.claim.attempt, number))
            assert frame.startswith(line), frame[:80]
            found.append(frame.removeprefix(line))
        return found

    @property
    def error(self) -> dict[str, Any]:
        """The body of the last event, which must be an error."""
        event = (self.events or [b""])[-1]
        assert event.startswith(b"event: error\ndata: "), event
        body: dict[str, Any] = json.loads(event.split(b"data: ", 1)[1])
        return body


@asynccontextmanager
async def simulated(world: World) -> AsyncIterator[Runner]:
    """Jobs of this world by the simulator."""
    async with simulating() as (_, upstream):
        yield Runner(world, upstream, WorkerSettings())


@asynccontextmanager
async def upstream_is(world: World, reply: Reply, *, idle_s: float = 5.0) -> AsyncIterator[tuple[Runner, Wire]]:
    """Jobs of this world by an upstream that replies so to every call."""
    async with serving(reply) as served, calling(served.url, idle_s=idle_s) as upstream:
        yield Runner(world, upstream, WorkerSettings()), served


def in_turn(*replies: Reply) -> Reply:
    """The first call gets the first reply, and so on; the last one goes on."""
    left = list(replies)

    async def reply(writer: asyncio.StreamWriter) -> None:
        await (left.pop(0) if len(left) > 1 else left[0])(writer)

    return reply
