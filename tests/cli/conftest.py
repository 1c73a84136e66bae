"""What the command line's tests share: a real Valkey, a diary of fake rooms, and houses full of them."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.embedded_redis import server_binary
from cli.ports import any_free
from tests.cli.houses import Diary, House
from tests.cli.waiting import until


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    """An empty diary."""
    return Diary(tmp_path / "diary")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Valkey that has nothing to do with what is tested, but answers."""
    directory = Path(tempfile.mkdtemp(prefix="sluice-test-"))
    settings = ("--port", "0", "--unixsocket", str(directory / "s"), "--save", "", "--dir", str(directory))
    server = subprocess.Popen([str(server_binary(os.environ["PATH"])), *settings], stdout=subprocess.DEVNULL)
    until((directory / "s").exists)
    yield f"unix://{directory / 's'}"
    server.kill()
    server.wait()
    shutil.rmtree(directory)


@pytest.fixture
def port() -> int:
    """A port of the loopback that was free a moment ago."""
    return any_free("127.0.0.1")


@pytest.fixture
def house(redis_url: str, diary: Diary, port: int, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Starts houses of rooms given as (name, stage, words of the fake room …); one should answer on `port`."""
    started: list[House] = []

    def start(*rooms: tuple[Any, ...], drain_s: float = 5.0, **how: Any) -> House:
        commands = [(name, stage, diary.argv(name, *words)) for name, stage, *words in rooms]
        ready = f"http://127.0.0.1:{port}/readyz"
        words = [redis_url, str(drain_s), ready, json.dumps(commands)]
        started.append(House(words, tmp_path / f"output-{len(started)}", **how))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
            one.process.terminate()
        one.process.wait(10)
