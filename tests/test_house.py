"""The house stands as it was drawn: who imports whom, what a file may hold, what the project says of itself."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.contract import LONGEST_FILE, ROOMS, breaches, long_functions, sources

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Where people and build machines keep their files; the alternation keeps this line from finding itself.
_MACHINE_PATH = re.compile(rb"(?<![\w.~$}-])/(?:home|Users|root|mnt|work|workspaces?|builds)/[\w.-]+")


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return root


def test_imports() -> None:
    """Every import of the rooms is one that the house allows."""
    assert breaches(ROOT) == []


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("gateway/a.py", "import worker"),
        ("worker/a.py", "from gateway.app import build_app"),
        ("streamlog/a.py", "from telemetry import announce"),
        ("simulator/deep/a.py", "import streamlog.frames as frames"),
        ("telemetry/a.py", "def f():\n    from streamlog import frames"),
        ("gateway/a.py", "from importlib import import_module\nimport_module('worker.main')"),
        ("gateway/a.py", "import importlib\nimportlib.import_module(name)"),
        ("gateway/a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cli"),
        ("cli/a.py", "from gateway.main import main"),
        ("cli/a.py", "def f():\n    import anthropic"),
        ("worker/generate.py", "from anthropic import AsyncAnthropic"),
        ("worker/a.py", "from starlette.applications import Starlette"),
        ("telemetry/a.py", "import fastapi"),
        ("worker/main.py", "from arq import Worker"),
        ("streamlog/log.py", "from arq.connections import ArqRedis"),
        ("worker/main.py", "import arq"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, place: str, line: str) -> None:
    """Each rule is broken once, and noticed once or more in the very file."""
    found = breaches(_tree(tmp_path, {place: line}))
    assert found and all(breach.startswith(f"{place}:") for breach in found)


def test_allowed_imports_are_left_alone(tmp_path: Path) -> None:
    """What the house allows is no breach: rooms below, a command's own room, the one place of each part."""
    files = {
        "gateway/a.py": "from streamlog.frames import Frame\nfrom . import b\nimport fastapi, starlette.responses",
        "worker/upstream.py": "import anthropic",
        "worker/upstream_client.py": "from anthropic import AsyncAnthropic",
        "worker/arq_worker.py": "from arq.worker import Worker",
        "worker/main.py": "import telemetry, worker.arq_worker",
        "streamlog/scripts/a.py": "from ..frames import Frame",
        "cli/up.py": "from cli.plan import plan\ndef up():\n    from gateway.main import main",
    }
    assert breaches(_tree(tmp_path, files)) == []


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("cli.main", {"anthropic", "fastapi", "arq", "redis", "gateway", "worker", "simulator"}),
        ("gateway.main", {"anthropic", "arq", "worker"}),
        ("simulator.main", {"anthropic", "fastapi", "redis", "streamlog"}),
    ],
)
def test_what_a_start_does_not_load(module: str, absent: set[str]) -> None:
    """A process does not load, by whatever detour, what it has no use for: the SDK alone takes a second."""
    program = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert absent & set(loaded.stdout.split()) == set()


def test_files_are_short() -> None:
    """No file is longer than 300 lines: one that is has grown past one idea."""
    lengths = {path: len(path.read_bytes().splitlines()) for path in sources(ROOT, *ROOMS, "bench", "deploy", "tests")}
    assert lengths
    assert {str(path.relative_to(ROOT)): length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_short() -> None:
    """No function of the rooms is longer than 50 lines."""
    found = {path: long_functions(ast.parse(path.read_bytes())) for path in sources(ROOT, *ROOMS, "bench", "deploy")}
    assert {str(path.relative_to(ROOT)): functions for path, functions in found.items() if functions} == {}


def test_a_long_function_is_found() -> None:
    """51 lines are too many, 50 are not."""
    longest = "async def f():\n" + "    pass\n" * 49
    assert long_functions(ast.parse(longest)) == []
    assert long_functions(ast.parse(longest + "    pass\n")) == ["f: 51 lines"]


def test_modules_say_what_they_are() -> None:
    """Every module of the rooms opens with a docstring."""
    silent = [path for path in sources(ROOT, *ROOMS) if not ast.get_docstring(ast.parse(path.read_bytes()))]
    assert [str(path.relative_to(ROOT)) for path in silent] == []


def test_every_room_is_installed() -> None:
    """pyproject.toml installs and types exactly the rooms."""
    assert set(PROJECT["tool"]["mypy"]["packages"]) == set(ROOMS)
    assert set(PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]) == {f"{room}*" for room in ROOMS}


def test_version() -> None:
    """`sluice --version` says the version of pyproject.toml."""
    said = subprocess.run([sys.executable, "-m", "cli", "--version"], cwd=ROOT, capture_output=True, text=True)
    assert said.stdout == f"sluice {PROJECT['project']['version']}\n", said.stderr


def test_no_machine_is_named() -> None:
    """No file of the project holds a path of the machine that it was written on."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and its checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    texts = {path: path.read_bytes() for path in files if path.is_file()}
    named = {str(path): found for path, text in texts.items() if (found := _machine_paths(text))}
    assert texts
    assert named == {}


def _machine_paths(text: bytes) -> list[bytes]:
    here = str(ROOT).encode()
    own = re.findall(rb"(?<![\w.~-])" + re.escape(here) + rb"\b", text) if len(ROOT.parts) > 2 else []
    return [*_MACHINE_PATH.findall(text), *own]


@pytest.mark.parametrize("path", ["home/ann/sluice", "Users/ann/x", "work/ann/sluice", "root/.cache", "mnt/disk/a"])
def test_a_machine_path_is_found(path: str) -> None:
    """A path of a home or a build machine is noticed; one of the web, the image or the project is not."""
    assert _machine_paths(f"see /{path}".encode())
    assert not _machine_paths(f"https://example.com/{path} ./{path} /opt/sluice a/{path}".encode())
