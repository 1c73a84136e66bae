"""gateway/main.py: what it refuses to start with is one line and exit code 2. All start at once, to save time."""

import socket
from collections.abc import Iterator

import pytest

from tests.support.process import Process, end_all
from tests.support.valkey import Valkey


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
    """Gateways that must not start, by what is wrong with them."""
    directory = tmp_path_factory.mktemp("refusing")
    (directory / "assistants.toml").write_text('[assistants.chat]\nsystem = "x"\nmodel = "x"\nmax_tokens = 1\n')
    wrong: dict[str, dict[str, object]] = {
        "host": {"SLUICE_HOST": "0.0.0.0", "SLUICE_PORT": 0},
        "port": {"SLUICE_PORT": busy},
        "setting": {"SLUICE_PING_S": "soon"},
        "cluster": {"SLUICE_PORT": 0, "REDIS_URL": a_cluster.url},
        "clients": {"SLUICE_PORT": 0, "SLUICE_CLIENTS_FILE": directory / "none.toml"},
        "assistants": {"SLUICE_PORT": 0, "SLUICE_ASSISTANTS_FILE": directory / "assistants.toml"},
    }
    processes = {name: Process.python(name, "gateway", settings, directory) for name, settings in wrong.items()}
    yield processes
    end_all(list(processes.values()))


def line_of(process: Process) -> str:
    """What it said before it ended with exit code 2."""
    assert process.exit_code(60) == 2
    (line,) = process.log.splitlines()
    return line


def test_an_address_beyond_loopback_without_keys(refusing: dict[str, Process]) -> None:
    """What to set instead."""
    line = line_of(refusing["host"])
    assert line.startswith("sluice: refusing to listen on 0.0.0.0 without keys.")
    assert "SLUICE_API_KEYS" in line
    assert "SLUICE_ALLOW_ANONYMOUS=1" in line


def test_a_busy_port(refusing: dict[str, Process], busy: int) -> None:
    """The address and the reason."""
    assert line_of(refusing["port"]) == f"sluice: cannot listen on 127.0.0.1:{busy}: Address already in use"


def test_a_wrong_setting(refusing: dict[str, Process]) -> None:
    """The variable by its name."""
    assert "SLUICE_PING_S" in line_of(refusing["setting"])


def test_a_file_of_clients_that_is_not_there(refusing: dict[str, Process]) -> None:
    """A gateway never lets everybody in because it could not read who may."""
    assert line_of(refusing["clients"]).endswith("none.toml: No such file or directory")


def test_a_redis_cluster(refusing: dict[str, Process]) -> None:
    """What is needed instead."""
    line = line_of(refusing["cluster"])
    assert line.startswith("sluice: REDIS_URL leads to a Redis Cluster; Sluice needs a single server")


def test_an_assistant_that_would_hide_an_address(refusing: dict[str, Process]) -> None:
    """The setting, the file, the name and the reason."""
    line = line_of(refusing["assistants"])
    assert line.startswith("sluice: SLUICE_ASSISTANTS_FILE: ")
    assert line.endswith("an assistant cannot be called 'chat': /chat is an address of the gateway's own")
