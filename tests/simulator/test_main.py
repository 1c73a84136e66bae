"""The process: its address, its options, its end."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from simulator.main import main
from tests.simulator.calls import HEADERS, body
from tests.support.process import Process, end_all

Start = Callable[..., Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Process] = []

    def start(*options: str) -> Process:
        process = Process.python("simulator", "simulator", {}, tmp_path, "--port", "0", *options)
        started.append(process)
        process.url = process.said(r"simulator: (http://\S+)")[1]
        return process

    yield start
    end_all(started)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once(start: Start, number: signal.Signals) -> None:
    """A signal cuts open streams, and the exit code is 0."""
    process = start()
    sent = body(model="claude-sim-stall-after-3", stream=True)
    with (
        httpx2.Client(base_url=process.url, headers=HEADERS, trust_env=False) as client,
        client.stream("POST", "/v1/messages", json=sent) as response,
    ):
        parts = response.iter_raw()
        next(parts)
        began = time.monotonic()
        os.kill(process.pid, number)
        assert process.exit_code(within_s=2) == 0
        assert time.monotonic() - began < 1
        with pytest.raises(httpx2.RemoteProtocolError):
            list(parts)
    assert "Traceback" not in process.log


def test_the_pace_of_the_process(start: Start) -> None:
    """The options set the pace of calls that ask for none."""
    process = start("--first-token-ms", "80", "--tokens-per-second", "0")
    began = time.monotonic()
    httpx2.post(f"{process.url}/v1/messages", json=body(), headers=HEADERS, trust_env=False).raise_for_status()
    assert 0.08 <= time.monotonic() - began < 0.5


def test_an_address_that_is_taken() -> None:
    """A taken port is one clear line, and no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit) as caught:
            main(["--port", str(port)])
    assert str(caught.value.code).startswith(f"simulator: cannot listen on 127.0.0.1:{port}: ")


@pytest.mark.parametrize("options", [["--first-token-ms", "-1"], ["--tokens-per-second", "fast"], ["--port", "http"]])
def test_wrong_options(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An option out of bounds is named."""
    with pytest.raises(SystemExit) as caught:
        main(options)
    assert caught.value.code == 2
    assert options[0] in capsys.readouterr().err
