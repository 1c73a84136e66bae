"""docs/chat.md: its blocks run as they stand there, but for the port."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.assistants import read
from tests.support.cluster import Ground, started

ROOT = Path(__file__).resolve().parent.parent
NODE = ROOT / "tests" / "node"
BLOCKS: list[tuple[str, str]] = re.findall(
    r"^```(\w+)\n(.*?)^```", (ROOT / "docs" / "chat.md").read_text(), re.MULTILINE | re.DOTALL
)
# What a page has and Node has not.
PAGE = """import { EventSource } from "eventsource";
globalThis.document = { body: { append: (text) => process.stdout.write(text) } };
"""


def _of(language: str) -> list[str]:
    return [code for of, code in BLOCKS if of == language]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A gateway with the assistant that ships, without keys."""
    with (
        closing(Ground()) as ground,
        started(ground, SLUICE_ASSISTANTS_FILE=ROOT / "deploy" / "assistants.toml") as cluster,
    ):
        yield cluster.url


def _run(command: list[str], url: str) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    return done.stdout


def _here(code: str, url: str) -> str:
    return code.replace("http://127.0.0.1:8000", url)


def _node(code: str, url: str) -> str:
    if shutil.which("node") is None or not (NODE / "node_modules" / "eventsource").exists():
        pytest.skip("needs node and `npm ci` in tests/node")
    with tempfile.NamedTemporaryFile("w", suffix=".mjs", dir=NODE) as script:  # beside node_modules, as Node wants it
        script.write(PAGE + _here(code, url))
        script.flush()
        return _run(["node", script.name], url)


@pytest.mark.parametrize("code", _of("bash"))
def test_shell_blocks_run(code: str, url: str) -> None:
    """Each says words, and no error."""
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    said = _run(["bash", "-c", _here(code, url)], url)
    assert "error" not in said
    assert "/ask" not in code or said.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("code", [code for code in _of("javascript") if "function show" not in code])
def test_pages_blocks_run(code: str, url: str) -> None:
    """What stands in a page shows words, and ends."""
    said = _node(code, url)
    assert len(said.split()) > 5
    assert "error" not in said and "DONE" not in said


def test_a_conversation_remembers(url: str) -> None:
    """Two questions, two answers, in order."""
    (code,) = [code for code in _of("python") if "conversations" in code]
    said = _run([sys.executable, "-c", _here(code, url)], url)
    assert re.findall(r"'role': '(\w+)'", said) == ["user", "assistant", "user", "assistant"]
    assert said.count("'state': 'complete'") == 4


def test_a_back_end_submits_and_a_page_follows(url: str) -> None:
    """The address that the one prints is all that the other needs."""
    (back_end,) = [code for code in _of("python") if "sign=1" in code]
    (page,) = [code for code in _of("javascript") if "function show" in code]
    address = _run([sys.executable, "-c", _here(back_end, url)], url).strip()
    assert re.fullmatch(rf"{re.escape(url)}/v1/jobs/job_[\w-]{{22}}/events\?token=[\w-]+", address)
    assert len(_node(f'{page}\nshow("{address}");\n', url).split()) > 5


def test_the_example_of_a_file_can_be_read() -> None:
    """By the code that reads it."""
    (code,) = _of("toml")
    assert read(code)["hr"].clients == ["intranet"]
