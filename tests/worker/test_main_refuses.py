"""worker/main.py: what it refuses to start with is one line and exit code 2. All start at once, to save time."""

import socket
from collections.abc import Iterator

import pytest

from tests.support.process import Process, end_all
from tests.support.valkey import Valkey

BASE = {"REDIS_URL": "unix:///nowhere/redis.sock", "SLUICE_METRICS_PORT": 0}
KEY = {"ANTHROPIC_API_KEY": "upstream-secret"}


@pytest.fixture(scope="module")
def busy() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


@pytest.fixture(scope="module")
def a_cluster() -> Iterator[Valkey]:
    """A real server in cluster mode."""
    server = Valkey(cluster=True)
    yield server
    server.close()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory, busy: int, a_cluster: Valkey) -> Iterator[dict[str, Process]]:
    """Workers that must not start, by what is wrong with them."""
    directory = tmp_path_factory.mktemp("refusing")
    wrong: dict[str, dict[str, object]] = {
        "port": BASE | KEY | {"SLUICE_METRICS_PORT": busy},
        "key": {**BASE},
        "cluster": BASE | KEY | {"REDIS_URL": a_cluster.url},
    }
    processes = {name: Process.python(name, "worker", settings, directory) for name, settings in wrong.items()}
    yield processes
    end_all(list(processes.values()))


def line_of(process: Process) -> str:
    """What it said before it ended with exit code 2."""
    assert process.exit_code(60) == 2
    (line,) = process.log.splitlines()
    return line


def test_a_busy_metrics_port(refusing: dict[str, Process], busy: int) -> None:
    """The address and the reason."""
    line = line_of(refusing["port"])
    assert line == f"sluice: cannot listen on 127.0.0.1:{busy}: Address already in use"


def test_no_key(refusing: dict[str, Process]) -> None:
    """Which variables would do."""
    line = line_of(refusing["key"])
    assert line.startswith("sluice: a worker needs ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN")


def test_a_redis_cluster(refusing: dict[str, Process]) -> None:
    """What is needed instead."""
    line = line_of(refusing["cluster"])
    assert line.startswith("sluice: REDIS_URL leads to a Redis Cluster; Sluice needs a single server")
