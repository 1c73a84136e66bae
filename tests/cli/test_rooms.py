"""`sluice gateway`, `sluice worker` and `sluice simulator`: thin, so one file for the three."""

import os
import sys
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from cli.main import app


class Room:
    """A room in the place of the real one; notes with what it was started."""

    def __init__(self) -> None:
        self.environment: dict[str, str] = {}
        self.arguments: list[str] | None = None

    def main(self, argv: list[str] | None = None) -> None:
        self.environment = dict(os.environ)
        self.arguments = argv


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    """Stands in for all three; the environment is a copy."""
    made = Room()
    for name in ("gateway", "worker", "simulator"):
        monkeypatch.setitem(sys.modules, f"{name}.main", SimpleNamespace(main=made.main))
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"], "SLUICE_PREFIX": "mine:", "SLUICE_DRAIN_S": "9"})
    return made


def _run(*words: str) -> int:
    return CliRunner().invoke(app, words).exit_code


def test_flags_of_the_gateway_become_its_environment(room: Room) -> None:
    """Those given; everything else stays."""
    assert _run("gateway", "--host", "::1", "--port", "8123", "--redis-url", "redis://r", "--drain", "1.5") == 0
    told = {"SLUICE_HOST": "::1", "SLUICE_PORT": "8123", "REDIS_URL": "redis://r", "SLUICE_DRAIN_S": "1.5"}
    assert room.environment.items() >= {**told, "SLUICE_PREFIX": "mine:"}.items()


def test_flags_of_the_worker_become_its_environment(room: Room) -> None:
    """The same."""
    assert _run("worker", "--slots", "3", "--metrics-host", "h", "--metrics-port", "9", "--redis-url", "redis://r") == 0
    told = {"SLUICE_SLOTS": "3", "SLUICE_METRICS_HOST": "h", "SLUICE_METRICS_PORT": "9", "REDIS_URL": "redis://r"}
    assert room.environment.items() >= {**told, "SLUICE_DRAIN_S": "9"}.items()


@pytest.mark.parametrize("name", ["gateway", "worker"])
def test_without_flags_the_environment_decides(name: str, room: Room) -> None:
    """No default of the command line hides a setting."""
    before = dict(os.environ)
    assert _run(name) == 0
    assert room.environment == before


@pytest.mark.parametrize(
    "words", [("gateway", "--port", "70000"), ("worker", "--slots", "0"), ("gateway", "--workers", "1")]
)
def test_what_cannot_be_is_wrong_usage(words: tuple[str, ...], room: Room) -> None:
    """The room is not started."""
    assert _run(*words) == 2
    assert room.environment == {}


def test_the_simulator_gets_its_words_as_they_are(room: Room) -> None:
    """Options, help and all."""
    assert _run("simulator", "--port", "1", "--help", "-x") == 0
    assert room.arguments == ["--port", "1", "--help", "-x"]
