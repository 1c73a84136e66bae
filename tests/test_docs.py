"""Pages that are generated are what the code says now."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from anthropic.resources.messages.messages import DEPRECATED_MODELS

from cli.model import DEFAULT_MODEL
from gateway.openapi import MESSAGES_BODY

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("script", ["settings", "lifecycle", "command_line"])
def test_a_generated_page_is_what_the_code_says(script: str) -> None:
    """Settings with defaults and bounds, changes of a job's state, commands' help, as `make docs` writes them."""
    done = subprocess.run(
        [sys.executable, f"docs/{script}.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr


def test_examples_name_a_model_that_has_a_future() -> None:
    """README, `sluice ask` and the OpenAPI document name the same one, and the SDK does not call it deprecated."""
    named = set(re.findall(r"\"(claude-[\w.-]+)\"", (ROOT / "README.md").read_text()))
    assert named == {DEFAULT_MODEL, MESSAGES_BODY["content"]["application/json"]["example"]["model"]}
    assert named.isdisjoint(DEPRECATED_MODELS)
