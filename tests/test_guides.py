"""docs/tools.md and docs/batch.md: their programs run as they stand there, but for the port."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.cluster import Cluster, Ground, started

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A gateway and a worker before the simulator."""
    with closing(Ground()) as ground, started(ground) as cluster:
        yield cluster


def _programs(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def _said(program: str, cluster: Cluster) -> str:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    code = program.replace("http://127.0.0.1:8000", cluster.url)
    done = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_tool_is_used_and_its_result_told(cluster: Cluster) -> None:
    """Its input comes as a stream, it runs once, and the last turn speaks of what it said."""
    tools, _ = _programs("tools.md")
    said = _said(tools, cluster)
    (told,) = re.findall(r'\[time_in \{"zone": ?"[\w/]+"\} -> (\d\d:\d\d)\]', said)
    assert told in said.partition("]")[2]


def test_thinking_comes_before_the_text(cluster: Cluster) -> None:
    """The program itself looks at the blocks."""
    _, thinking = _programs("tools.md")
    assert len(_said(thinking, cluster).split()) > 20


def test_a_batch_is_answered_and_may_be_run_again(cluster: Cluster) -> None:
    """Each question once, however often the script runs."""
    (batch,) = _programs("batch.md")
    first = _said(batch, cluster)
    assert len(re.findall(r"^What is a \w+\? done: \S", first, re.MULTILINE)) == 3
    assert _said(batch, cluster) == first
