"""In continuous integration a missing tool is a failure."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

_CONFTEST = Path(__file__).with_name("conftest.py")
_TESTS = {
    "test_one.py": "import pytest\n\ndef test_it():\n    pytest.skip('needs a tool')\n",
    "test_file.py": "import pytest\n\npytest.skip('needs a tool', allow_module_level=True)\n",
    "test_other.py": "import pytest\n\ndef test_it():\n    pytest.skip('not on this system')\n",
}


def _outcomes(directory: Path, **environment: str) -> dict[str, str]:
    """What a pytest that runs `_TESTS` under our conftest says of each test."""
    shutil.copy(_CONFTEST, directory / "conftest.py")
    for name, text in _TESTS.items():
        (directory / name).write_text(text)
    inherited = {name: value for name, value in os.environ.items() if name != "SLUICE_CI"}
    options = ["-rA", "-p", "no:cacheprovider", "--continue-on-collection-errors", f"--rootdir={directory}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(directory)],
        cwd=_CONFTEST.parents[1],
        env=inherited | environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    summary = done.stdout.partition("short test summary info")[2]
    lines = re.findall(r"^([A-Z]+) .*\b(test_\w+)\.py", summary, re.MULTILINE)
    return {name: outcome for outcome, name in lines}


def test_a_needed_tool_must_be_there(tmp_path: Path) -> None:
    """With SLUICE_CI a skip that says "needs …" fails, for one test and for a whole file; others stay skips."""
    assert _outcomes(tmp_path, SLUICE_CI="1") == {"test_one": "FAILED", "test_file": "ERROR", "test_other": "SKIPPED"}


def test_elsewhere_it_may_be_missing(tmp_path: Path) -> None:
    """Without SLUICE_CI they are all skips."""
    assert _outcomes(tmp_path) == dict.fromkeys(("test_one", "test_file", "test_other"), "SKIPPED")
