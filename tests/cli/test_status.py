import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.cli.scripted_server import Reply, ScriptedServer
from tests.cli.terminal import Terminal
from tests.cli.test_fleet import METRICS, READY

_READY, _METRICS = Reply(json.dumps(READY).encode()), Reply(METRICS.encode())


def _status(*replies: Reply, words: tuple[str, ...] = ()) -> Result:
    server = ScriptedServer(*replies)
    done = CliRunner().invoke(app, ["status", "--url", server.url, *words])
    server.close()
    return done


def test_a_look() -> None:
    """Some lines, exit code 0."""
    done = _status(_READY, _METRICS)
    assert done.exit_code == 0
    assert "\nstate        ready\nworkers      2\nqueue        3 waiting, the oldest for 1.2 s\n" in done.stdout
    assert done.stdout.endswith("(4 answers since this gateway's start)\n")


def test_a_look_for_programs() -> None:
    """One object."""
    told = json.loads(_status(_READY, _METRICS, words=("--json",)).stdout)
    assert (told["ready"], told["queued"], told["streams"], told["first_token_p50_s"]) == (True, 3, 4, 0.5)


def test_a_gateway_that_is_not_ready_is_exit_code_1() -> None:
    """It is shown all the same."""
    draining = Reply(json.dumps({**READY, "ready": False, "draining": True}).encode(), status=503)
    done = _status(draining, _METRICS)
    assert done.exit_code == 1
    assert "state        draining" in done.stdout


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"detail": "Not Found"}'])
def test_something_else_is_exit_code_1(body: bytes) -> None:
    """Some other server listens there."""
    done = _status(Reply(body), Reply(b""))
    assert (done.exit_code, done.stdout) == (1, "")
    assert "does not look like a Sluice" in done.stderr


def test_nobody_there_is_exit_code_3() -> None:
    """One line."""
    done = CliRunner().invoke(app, ["status", "--url", "http://127.0.0.1:1"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("sluice: cannot reach http://127.0.0.1:1: ")


def _watch(url: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "cli", "status", "--url", url, "--watch", "--every", "0.1", *words]


def test_a_watch_paints_a_terminal_again() -> None:
    """Its lines stand there once, also when the server goes away; Ctrl-C is its usual end."""
    server = ScriptedServer(_READY, _METRICS, Reply(json.dumps({**READY, "workers": 7}).encode()), _METRICS)
    with Terminal(_watch(server.url), {}) as terminal:
        terminal.shows("cannot reach")
        terminal.press_ctrl_c()
        assert terminal.exit_code() == 0
    server.close()
    assert terminal.text.startswith(f"cannot reach {server.url}")
    assert "workers" not in terminal.text


def test_a_watch_into_a_pipe_is_a_line_a_look() -> None:
    """It outlasts a server that is away."""
    server = ScriptedServer(_READY, _METRICS)
    watching = subprocess.Popen(_watch(server.url), stdout=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    first, second, third = (watching.stdout.readline() for _ in range(3))
    watching.kill()
    watching.communicate()
    server.close()
    assert "Z ready workers=2 queued=3 oldest_s=1.250 running=5 streams=4 answers=0 " in first
    assert f" cannot reach {server.url}" in second
    assert f" cannot reach {server.url}" in third


def test_a_watch_for_programs_is_an_object_a_look() -> None:
    """With the time of each."""
    server = ScriptedServer(_READY, _METRICS)
    watching = subprocess.Popen(_watch(server.url, "--json"), stdout=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    first, second = (json.loads(watching.stdout.readline()) for _ in range(2))
    watching.kill()
    watching.communicate()
    server.close()
    assert (first["workers"], first["at"][-1]) == (2, "Z")
    assert "cannot reach" in second["error"]
