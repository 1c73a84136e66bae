"""The Makefile: one verb a chore, each with its line of help."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
VERBS = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def _make(*words: str) -> subprocess.CompletedProcess[str]:
    # A make that runs these tests would pass its own settings on.
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    return subprocess.run(["make", *words], cwd=ROOT, env=plain, capture_output=True, text=True, check=False)


def test_help_is_the_default_and_complete() -> None:
    """`make` alone lists every verb with what it does."""
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", _make().stdout, re.MULTILINE))
    assert listed.keys() == set(VERBS)
    assert {"run", "test", "lint", "format", "lock", "bench", "docs", "ci", "clean"} <= listed.keys()


def test_verbs_are_no_files() -> None:
    """Every verb is phony: a directory named like one, such as bench or docs, does not stand in its way."""
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == set(VERBS)


@pytest.mark.parametrize(
    ("verb", "lock", "ends_in"),
    [
        ("run", "requirements.lock", ".venv/bin/sluice up --port 9000"),
        ("test", "requirements-dev.lock", ".venv/bin/pytest -n 2 --port 9000"),
    ],
)
def test_what_the_two_commands_do(verb: str, lock: str, ends_in: str) -> None:
    """They make .venv hold their lock, then become the program, with ARGS passed on."""
    steps = _make("--dry-run", verb, "ARGS=--port 9000").stdout
    assert f"deploy/set_up.py {lock};" in steps
    assert steps.rstrip().endswith(f"exec {ends_in}")


def test_without_a_python() -> None:
    """Where no Python is new enough, one line says so, and how to name another."""
    done = _make("run", "PYTHONS=no-such-python false")
    assert done.returncode != 0
    assert done.stderr.splitlines()[0] == (
        "sluice: no Python 3.11 or newer among: no-such-python false. "
        "Install one, or name it: make run PYTHONS=/path/to/python"
    )
