"""streamlog/server.py: what is said of a server when a process starts, and which one ends the start."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from streamlog.server import Seen, UnsuitableServer, check_server, look
from streamlog.settings import RedisSettings
from tests.streamlog.fake import Fake
from tests.support.valkey import Valkey

SILENT = Seen("", ())


def _bulk(*words: str) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)


HELLO = _bulk("server", "redis", "version", "7.4.1", "mode", "standalone")
NOEVICTION = _bulk("maxmemory-policy", "noeviction")
UNKNOWN = b"-ERR unknown command 'HELLO', with args beginning with: \r\n"
FORBIDDEN = b"-NOPERM User sluice has no permissions to run the command\r\n"


@asynccontextmanager
async def _server(answers: Mapping[bytes, bytes]) -> AsyncIterator[str]:
    """A server that answers HELLO and CONFIG as it is told, and OK to everything else."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            words = []
            for _ in range(int(head[1:])):
                await reader.readline()
                words.append((await reader.readline()).strip())
            writer.write(answers.get(words[0].upper(), b"+OK\r\n"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield "redis://{}:{}/0".format(*server.sockets[0].getsockname())
    finally:
        server.close()


async def _seen(hello: bytes = HELLO, policy: bytes = NOEVICTION) -> Seen:
    async with _server({b"HELLO": hello, b"CONFIG": policy}) as url:
        return await look(RedisSettings(redis_url=url))


async def test_a_server_that_will_do(valkey: Valkey, fake: Fake) -> None:
    """Nothing is said of the server that Sluice brings along, nor of a fake one, nor of a Redis that is new enough."""
    assert await look(RedisSettings(redis_url=valkey.url)) == SILENT
    assert await look(RedisSettings(redis_url=fake.url)) == SILENT
    assert await _seen() == SILENT
    assert await _seen(_bulk("server", "redis", "version", "6.2.0", "mode", "standalone")) == SILENT
    assert await _seen(_bulk("server", "valkey", "version", "1.0", "mode", "standalone")) == SILENT


@pytest.mark.parametrize(
    ("hello", "told"),
    [
        (_bulk("server", "redis", "version", "6.0.16", "mode", "standalone"), "6.0.16"),
        (_bulk("server", "redis", "version", "5.9", "mode", "standalone"), "5.9"),
        (UNKNOWN, "before 6"),
    ],
)
async def test_an_old_redis_is_a_warning(hello: bytes, told: str) -> None:
    """What it is, and what would do."""
    seen = await _seen(hello)
    assert seen == Seen("", (f"this Redis is {told}, older than 6.2: it lacks commands that Sluice needs",))


async def test_a_policy_that_drops_jobs_is_a_warning() -> None:
    """It names the policy, and the one to set."""
    (warning,) = (await _seen(policy=_bulk("maxmemory-policy", "allkeys-lru"))).warnings
    assert warning.startswith("maxmemory-policy is allkeys-lru")
    assert "noeviction" in warning


async def test_what_is_forbidden_is_not_spoken_of() -> None:
    """A user without HELLO or CONFIG is no reason to warn, nor to stay away."""
    assert await _seen(FORBIDDEN, FORBIDDEN) == SILENT


async def test_a_user_of_a_real_server_who_may_neither(valkey: Valkey) -> None:
    """The same with rules of a real server."""
    admin = Redis.from_url(valkey.url)
    await admin.execute_command("ACL", "SETUSER", "narrow", "on", ">word", "~*", "&*", "+@all", "-hello", "-config")
    try:
        assert await look(RedisSettings(redis_url=f"{valkey.url}?username=narrow&password=word")) == SILENT
    finally:
        await admin.execute_command("ACL", "DELUSER", "narrow")
        await admin.aclose()


@pytest.mark.parametrize(("mode", "kind"), [("cluster", "Cluster"), ("sentinel", "Sentinel")])
async def test_a_cluster_ends_the_start(mode: str, kind: str) -> None:
    """In one line that says what is needed instead."""
    async with _server({b"HELLO": _bulk("server", "redis", "version", "7.4.1", "mode", mode)}) as url:
        with pytest.raises(UnsuitableServer, match=f"^REDIS_URL leads to a Redis {kind}; Sluice needs a single server"):
            await check_server(RedisSettings(redis_url=url))


async def test_a_server_out_of_reach_is_waited_for() -> None:
    """The process begins as it does when the server goes away later."""
    assert await look(RedisSettings(redis_url="unix:///nowhere/redis.sock")) == SILENT


async def test_a_silent_server_costs_two_seconds_at_most() -> None:
    """One that accepts and never answers is out of reach."""
    asked = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(1)
        asked.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(4):
        url = "redis://{}:{}/0".format(*server.sockets[0].getsockname())
        assert await look(RedisSettings(redis_url=url, redis_timeout_s=60)) == SILENT
    assert asked.is_set()


async def test_warnings_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Once, and the start goes on."""
    async with _server({b"HELLO": UNKNOWN, b"CONFIG": FORBIDDEN}) as url:
        with caplog.at_level(logging.WARNING):
            await check_server(RedisSettings(redis_url=url))
    (record,) = [record for record in caplog.records if record.name == "sluice.redis"]
    assert "older than 6.2" in record.getMessage()
