"""The README's blocks run as they stand there, but for the port."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clients import read

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "tests" / "node"
BIN = Path(sys.executable).parent
BLOCKS: list[tuple[str, str]] = re.findall(
    r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
)
# `make run` and `make test` are what a fresh clone is tried with; they cannot run inside the latter.
SHELL = [code for language, code in BLOCKS if language == "bash" and not code.startswith("make ")]


def only(language: str) -> str:
    (code,) = [code for of, code in BLOCKS if of == language]
    return code


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of what `make run` starts, but for one worker and a place of its own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        free = int(probe.getsockname()[1])
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "REDIS_"))}
    with tempfile.TemporaryDirectory() as folder:
        up = subprocess.Popen(
            [BIN / "sluice", "up", "--port", str(free), "--workers", "1", "--data-dir", folder],
            env=environment | {"SLUICE_ASSISTANTS_FILE": str(ROOT / "deploy" / "assistants.toml")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            assert up.stdout is not None
            said = []
            for line in up.stdout:
                said.append(line)
                if "Sluice is ready" in line:
                    break
            else:
                pytest.fail("sluice up ended: " + "".join(said))
            yield free
        finally:
            up.send_signal(signal.SIGINT)
            up.communicate(timeout=30)
            assert up.returncode == 0


def run(command: list[str | Path], port: int, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | {"SLUICE_URL": f"http://127.0.0.1:{port}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def here(code: str, port: int) -> str:
    return code.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace(".venv/bin/", f"{BIN}/")


@pytest.mark.parametrize("code", SHELL, ids=lambda code: code.split("\\")[0].split("#")[0].strip()[:40])
def test_shell_blocks_run(code: str, port: int) -> None:
    """Each shell block ends well and says something of the answer."""
    if code.startswith("curl") and shutil.which("curl") is None:
        pytest.skip("needs curl")
    said = run(["bash", "-c", here(code, port)], port)
    if "/v1/jobs" in code:
        assert said.startswith("HTTP/1.1 202")
        assert "location: /v1/jobs/job_" in said
    elif "/chat" in code:
        events, done, words = said.partition("data: [DONE]\n\n")
        assert events.startswith(("retry: ", "id: ")), events[:80]
        assert done and len(words) > 100 and "data:" not in words
    elif code.startswith("curl"):
        assert said.rstrip().endswith('data: {"type":"message_stop"}')
    else:
        assert len(said) > 100


def test_the_python_block_streams_an_answer(port: int) -> None:
    """The official Python SDK prints an answer, by base_url alone."""
    assert len(run([sys.executable, "-c", here(only("python"), port)], port)) > 100


def test_the_typescript_block_streams_an_answer(port: int) -> None:
    """The official TypeScript SDK prints an answer, by baseURL alone."""
    if shutil.which("node") is None or not (NODE / "node_modules" / "@anthropic-ai").exists():
        pytest.skip("needs node and `npm ci` in tests/node")
    with tempfile.NamedTemporaryFile("w", suffix=".mjs", dir=NODE) as script:  # beside node_modules, as Node wants it
        script.write(here(only("typescript"), port))
        script.flush()
        assert len(run(["node", script.name], port, NODE)) > 100


def test_the_index_names_files_that_exist() -> None:
    """Every relative link of the README leads somewhere."""
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_file_of_clients_is_one() -> None:
    """As it stands, a gateway takes it."""
    (client,) = read(only("toml")).values()
    assert client.owner == "client:web"
