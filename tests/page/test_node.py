"""The page's modules that need no document, by Node's own test runner: tests/page/node/*.test.mjs."""

import shutil
import subprocess
from pathlib import Path

import pytest

_HERE = Path(__file__).parent
_FILES = sorted((_HERE / "node").glob("*.test.mjs"))
_LIMIT_S = 100.0


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
def test_by_node(file: Path) -> None:
    """Each file's own cases; what failed is in the output."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    done = subprocess.run(
        [node, "--test", "--test-reporter=tap", str(file)],
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "\n# fail 0\n" in done.stdout and "\n# pass 0\n" not in done.stdout


def test_there_is_something_to_run() -> None:
    """A folder that was moved would pass in silence."""
    assert _FILES
