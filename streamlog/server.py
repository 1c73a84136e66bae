"""What kind of server is behind `REDIS_URL`, looked at once when a process starts.

Invariant: only a server that can never serve (a Cluster, a Sentinel) ends a start. One that is out of reach, does not
know HELLO, or does not allow it, is taken as it is: the process begins, and waits for it as it would later.
Does not know: which process asks.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from streamlog.redis_link import LINK_ERRORS, connect
from streamlog.settings import RedisSettings

# ZADD … LT (leave), ZRANGE … BYSCORE REV LIMIT (list) and XRANGE with an exclusive start (read) came with it; BLPOP
# with fractions of a second with 6.0, streams with 5.0. Every Valkey has them all.
LEAST_REDIS = (6, 2)
_LIMIT_S = 2.0
_log = logging.getLogger("sluice.redis")


class UnsuitableServer(Exception):
    """A server that cannot serve; the message is one line for whoever starts the process."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the server said of itself: `refusal` why it cannot serve, or "", and what should be different."""

    refusal: str
    warnings: tuple[str, ...]


async def check_server(settings: RedisSettings) -> None:
    """Log a warning for each thing that should be different. Raises `UnsuitableServer`."""
    seen = await look(settings)
    if seen.refusal:
        raise UnsuitableServer(seen.refusal)
    for warning in seen.warnings:
        _log.warning(warning)


async def look(settings: RedisSettings) -> Seen:
    """Ask the server, for two seconds at most. Nothing is seen of one that is out of reach."""
    redis = connect(settings, most=1, retries=0)
    try:
        async with asyncio.timeout(_LIMIT_S):
            return _judged(await _hello(redis), await _policy(redis))
    except LINK_ERRORS:
        return Seen("", ())
    finally:
        await redis.aclose()


async def _hello(redis: Redis) -> dict[str, str] | None:
    """What HELLO answers; empty if it is not allowed, None if the server does not know it."""
    try:
        answer: Any = await redis.execute_command("HELLO")  # type: ignore[no-untyped-call]  # redis-py's own gap
    except NoPermissionError:
        return {}
    except ResponseError as error:
        return None if "unknown command" in str(error).lower() else {}
    pairs = list(answer.items()) if isinstance(answer, dict) else list(zip(answer[::2], answer[1::2], strict=False))
    return {_text(name): _text(value) for name, value in pairs}


async def _policy(redis: Redis) -> str:
    """What a full server does; "" if it does not tell, as most that are rented do not."""
    try:
        answer: Any = await redis.execute_command("CONFIG GET", "maxmemory-policy")  # type: ignore[no-untyped-call]
    except ResponseError:
        return ""
    values = list(answer.values()) if isinstance(answer, dict) else answer[1::2]
    return _text(values[0]) if values else ""


def _judged(hello: dict[str, str] | None, policy: str) -> Seen:
    said = hello or {}
    warnings = []
    least = ".".join(map(str, LEAST_REDIS))
    if said.get("mode", "standalone") != "standalone":
        kind = "Cluster" if said["mode"] == "cluster" else said["mode"].capitalize()
        return Seen(
            f"REDIS_URL leads to a Redis {kind}; Sluice needs a single server, Redis 6.2 or newer or Valkey", ()
        )
    least = ".".join(map(str, LEAST_REDIS))
    if hello is None or (said.get("server") == "redis" and _version(said.get("version", "")) < LEAST_REDIS):
        version = said.get("version", "before 6")
        warnings.append(f"this Redis is {version}, older than {least}: it lacks commands that Sluice needs")
    if policy not in ("", "noeviction"):
        warnings.append(
            f"maxmemory-policy is {policy}: a full Redis then drops jobs and answers; noeviction refuses work"
        )
    return Seen("", tuple(warnings))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdecimal()) or LEAST_REDIS


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
