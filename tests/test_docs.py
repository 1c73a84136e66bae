"""Pages that are generated are what the code says now."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("script", ["settings", "lifecycle"])
def test_a_generated_page_is_what_the_code_says(script: str) -> None:
    """Every setting with its default and bounds, every change of a job's state, as `make docs` writes them."""
    done = subprocess.run(
        [sys.executable, f"docs/{script}.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
