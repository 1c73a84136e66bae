"""In continuous integration a missing tool is a failure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_CONFTEST = Path(__file__).with_name("conftest.py")
_ONE_TEST = "import pytest\n\ndef test_it() -> None:\n    pytest.skip({reason!r})\n"
_WHOLE_FILE = "import pytest\n\npytest.skip({reason!r}, allow_module_level=True)\n"


def _outcome(directory: Path, test: str, **environment: str) -> str:
    """The last line of a pytest that runs `test` under our conftest."""
    shutil.copy(_CONFTEST, directory / "conftest.py")
    (directory / "test_it.py").write_text(test)
    inherited = {name: value for name, value in os.environ.items() if name != "SLUICE_CI"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(directory), str(directory)],
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize(("test", "outcome"), [(_ONE_TEST, "1 failed"), (_WHOLE_FILE, "1 error")], ids=["one", "file"])
def test_a_needed_tool_must_be_there(tmp_path: Path, test: str, outcome: str) -> None:
    """With SLUICE_CI a skip that says "needs …" fails, for one test and for a whole file."""
    assert _outcome(tmp_path, test.format(reason="needs a tool"), SLUICE_CI="1").startswith(outcome)


def test_elsewhere_it_may_be_missing(tmp_path: Path) -> None:
    """Without SLUICE_CI the same skip is a skip."""
    assert _outcome(tmp_path, _ONE_TEST.format(reason="needs a tool")).startswith("1 skipped")


def test_other_skips_stay(tmp_path: Path) -> None:
    """With SLUICE_CI a skip for another reason is a skip."""
    assert _outcome(tmp_path, _ONE_TEST.format(reason="not on macOS"), SLUICE_CI="1").startswith("1 skipped")
