"""A gateway in this process behind a real socket, and a worker that does what the test says, when it says it.

Invariant: everything between them goes through Redis as in a real deployment, so every interleaving is the test's.
Does not know: Claude, the worker room.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from gateway.app import build_app
from gateway.protocol import Protocol
from gateway.service import Service
from gateway.settings import GatewaySettings
from streamlog.claims import Claim
from streamlog.settings import JobSettings, RedisSettings
from streamlog.writer import Writer
from tests.streamlog.world import World
from tests.support.api import Api
from tests.support.facts import fact, until

KEY = "client-key"
MESSAGE: dict[str, Any] = {
    "model": "claude-test",
    "max_tokens": 100,
    "stream": True,
    "messages": [{"role": "user", "content": "Why is the sky blue?"}],
}


class Hand:
    """A claimed job, and the pen of its attempt."""

    def __init__(self, world: World, claim: Claim) -> None:
        self.claim = claim
        self.job_id = claim.job_id
        self.writer: Writer = world.writer(claim)

    async def says(self, *events: bytes, mark: str = "", code: str = "", fields: tuple[str | bytes, ...] = ()) -> None:
        """Append these events as one chunk; with a `mark` they end the job."""
        await self.writer.write(events, mark=mark, code=code, fields=fields)


class House:
    """`url` is the gateway's, `api` a client of it, `service` its parts; `world` is the same deployment in Redis."""

    def __init__(self, world: World, service: Service, server: uvicorn.Server, url: str) -> None:
        self.world = world
        self.service = service
        self.server = server
        self.url = url
        self.api = Api(url, KEY)

    async def claimed(self, within_s: float = 5.0) -> Hand:
        """Wait for a job in the queue, and claim it."""

        async def claim() -> Claim | None:
            claims = await self.world.claims().claim(1)
            return claims[0] if claims else None

        return Hand(self.world, await fact(claim, within_s))

    async def queued(self) -> int:
        """How many jobs wait."""
        depth: int = await self.world.call("ZCARD", self.world.keys.queue)
        return depth

    async def subscribers(self, number: int, within_s: float = 5.0) -> None:
        """Wait until exactly so many responses are open."""
        await until(lambda: self.service.presence.subscribers == number, within_s)


@asynccontextmanager
async def open_house(redis_url: str, **settings: Any) -> AsyncIterator[House]:
    """A gateway with small times. `settings` are fields of `JobSettings`, `GatewaySettings` or `RedisSettings`."""
    small = {"hold_s": 10.0, "grace_s": 0.5, "ping_s": 0.2, "body_s": 0.3, "port": 0} | settings
    world = World(redis_url)
    redis = RedisSettings(redis_url=redis_url, prefix=world.keys.prefix, **_of(RedisSettings, small))
    service = Service(redis, JobSettings(**_of(JobSettings, small)), GatewaySettings(**_of(GatewaySettings, small)))
    async with world, _started(service), _serving(service) as (server, url):
        house = House(world, service, server, url)
        await until(lambda: service.line.connected and (service.hub.connected or not redis.pubsub))
        async with house.api:
            yield house


@asynccontextmanager
async def _started(service: Service) -> AsyncIterator[None]:
    await service.start()
    try:
        yield
    finally:
        await service.close()


def _of(kind: Any, settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in kind.model_fields}


@asynccontextmanager
async def _serving(service: Service) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    """uvicorn without its loop and its signal handlers: what is left open is cut at the end, and must then end."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    config = uvicorn.Config(
        build_app(service), http=Protocol, lifespan="off", log_config=None, access_log=False, server_header=False
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    try:
        yield server, f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for accepting in server.servers:
            accepting.close()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        tasks = list(server.server_state.tasks)
        if tasks:
            _, open_still = await asyncio.wait(tasks, timeout=5)
            assert not open_still, f"{len(open_still)} responses went on without their clients"
