"""Pages that are generated are what the code says now."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_settings_page_is_the_settings() -> None:
    """docs/settings.md has every setting with its default and bounds, as `make docs` writes it."""
    done = subprocess.run([sys.executable, "docs/settings.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
