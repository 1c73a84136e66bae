"""`sluice up` with the real rooms. What the supervision does in each case is tested with fake ones, beside it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cli.waiting import gone, until

_SLUICE = (sys.executable, "-m", "cli")
_START_S = 60.0
_OURS = ("ANTHROPIC_", "SLUICE_", "REDIS_")


def _environment(**more: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | more


class Up:
    """A running `sluice up` on a free port."""

    def __init__(self, directory: Path, number: int, *words: str) -> None:
        self._output = directory / f"up-{number}"
        with self._output.open("wb") as out:
            self.process = subprocess.Popen(
                [*_SLUICE, "up", "--port", "0", "--workers", "1", *words],
                cwd=directory,
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        until(lambda: "Ctrl-C stops everything." in self.said or self.process.poll() is not None, _START_S)
        assert self.process.poll() is None, self.said

    @property
    def said(self) -> str:
        return self._output.read_text()

    @property
    def url(self) -> str:
        return self.shown("gateway")

    def shown(self, label: str) -> str:
        """What the banner says behind a label."""
        found = re.search(rf"^  {label} +(.+)$", self.said, re.MULTILINE)
        assert found, self.said
        return found[1]

    def children(self) -> dict[str, int]:
        """Process ids by what they run."""
        listed = subprocess.run(["ps", "-wweo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
        return {args: int(pid) for pid, parent, args in rows if int(parent) == self.process.pid}

    def pid(self, part: str) -> int | None:
        """The process whose command line has this part."""
        return next((pid for args, pid in self.children().items() if part in args), None)

    def ask(self, *words: str) -> "subprocess.CompletedProcess[str]":
        told = _environment(SLUICE_URL=self.url)
        return subprocess.run([*_SLUICE, "ask", *words], env=told, capture_output=True, text=True, check=False)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts them in one directory; all end with the test."""
    started: list[Up] = []

    def start(*words: str) -> Up:
        started.append(Up(tmp_path, len(started), *words))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def _job(up: Up, method: str, path: str, **how: Any) -> Any:
    headers = {"anthropic-version": "2023-06-01", "x-api-key": "any"}
    answer = httpx2.request(method, up.url + path, headers=headers, trust_env=False, **how)
    return answer.raise_for_status().json()


def test_a_life_of_it(up: Callable[..., Up]) -> None:
    """It answers by its simulator, survives the death of each of its parts, stops in order, and has lost nothing."""
    first = up()
    assert first.shown("upstream").endswith("because no ANTHROPIC_API_KEY is set")
    asked = first.ask("[[sim:text tps=0]] How does a sluice gate work?")
    assert asked.returncode == 0, asked.stderr
    assert len(asked.stdout) > 20
    summary = r"\[Time to first token: \d+\.\d\ds \| Total: \d+\.\ds \| Tokens: [1-9]\d* in, [1-9]\d* out\]\n"
    assert re.fullmatch(summary, asked.stderr)
    assert httpx2.get(first.shown("worker 1"), trust_env=False).status_code == 200

    body = {"model": "claude-test", "max_tokens": 50, "messages": [{"role": "user", "content": "Keep this."}]}
    job = _job(first, "POST", "/v1/jobs", json=body)["id"]
    until(lambda: _job(first, "GET", f"/v1/jobs/{job}")["state"] == "done")

    for part in ("valkey-server", "-m simulator", "-m worker", "-m gateway"):
        before = first.pid(part)
        assert before is not None
        os.kill(before, signal.SIGKILL)
        until(lambda: first.pid(part) not in (None, before))  # noqa: B023 - asked within this turn
    until(lambda: _ready(first.url), 30)
    assert first.said.count("died (killed by SIGKILL); it starts again in 0.2 s") == 4
    assert _job(first, "GET", f"/v1/jobs/{job}")["state"] == "done"
    assert first.ask("[[sim:text tps=0]] And now?").returncode == 0

    pids = list(first.children().values())
    assert first.stop() == 0
    assert first.said.endswith("sluice: stopped\n")
    assert all(gone(pid) for pid in pids)

    second = up()
    assert _job(second, "GET", f"/v1/jobs/{job}")["state"] == "done"
    _second_on_the_same_data(second)
    pids = list(second.children().values())
    second.process.kill()
    assert len(pids) == 5  # the leash is one of them
    until(lambda: all(gone(pid) for pid in pids), 15)


def _ready(url: str) -> bool:
    try:
        answer = httpx2.get(f"{url}/readyz", trust_env=False)
    except httpx2.TransportError:
        return False
    return answer.status_code == 200 and answer.json()["workers"] >= 1


def _second_on_the_same_data(running: Up) -> None:
    data = running.shown("data").partition(" (")[0]
    again = _refused("--port", "0", "--data-dir", data)
    assert again.stderr.startswith(
        f"sluice: Another sluice up (process {running.process.pid}) uses the data directory "
    )


def _refused(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    refused = subprocess.run(
        [*_SLUICE, "up", *words],
        env=_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 1
    return refused


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    """Nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        refused = _refused("--port", str(port), "--data-dir", str(tmp_path / "data"))
    line = f"sluice: 127.0.0.1:{port} is taken by another program. Stop it, or choose another --port.\n"
    assert (refused.stdout, refused.stderr) == ("", line)
    assert list(tmp_path.iterdir()) == []


def test_an_open_address_without_keys_is_refused_in_the_gateways_words(tmp_path: Path, redis_url: str) -> None:
    """It is shown, and not tried again for ever."""
    refused = _refused("--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path), REDIS_URL=redis_url)
    assert "gateway   │ sluice: refusing to listen on 0.0.0.0 without keys." in refused.stdout
    assert "sluice: gateway refused to start; its own words are above. Stopping everything." in refused.stdout
    assert "starts again" not in refused.stdout
