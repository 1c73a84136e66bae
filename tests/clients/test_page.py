"""docs/clients.md is true: its table is of the code's clients and cases, and its blocks run as they stand there."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.cases import CASES, Case
from tests.clients.page import PAGE, rendered, table, write_table
from tests.clients.roster import Client, drivers
from tests.clients.running import ROOT, Targets

_BLOCKS: list[tuple[str, str, str]] = re.findall(
    r"^### (.+)\n(?:(?!#|```).*\n)*```(\w+)\n((?:(?!```).*\n)*)```", PAGE.read_text(), re.MULTILINE
)
_HERE = Path(__file__).resolve().parent
_NODE = ROOT / "tests" / "node"
_HEAVY = _HERE / "heavy"
_HEAVY_PYTHON = ROOT / ".venv-clients" / "bin" / "python"
_CLIENTS = [client for driver in drivers() for client in driver.clients]


def test_every_client_has_its_lines() -> None:
    """Each client of the table is one that the page shows how to point at Sluice, and the other way round."""
    shown = {heading for heading, _, _ in _BLOCKS}
    used = {heading for heading in shown for client in _CLIENTS if client.name.startswith(heading)}
    assert [client.name for client in _CLIENTS if not client.name.startswith(tuple(shown))] == []
    assert shown == used


def test_the_table_is_of_the_code() -> None:
    """Its heads are the clients, its rows the cases, and the reasons below are those that are declared."""
    if os.environ.get("SLUICE_CLIENTS_TABLE"):
        pytest.skip("this run writes it")
    lines = table().strip().split("\n")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0] == ["case", *(client.name for client in _CLIENTS)]
    assert [row[0] for row in rows[2:]] == [case.name for case in CASES]
    cells = {(client, row[0]): cell for row in rows[2:] for client, cell in zip(rows[0][1:], row[1:], strict=True)}
    assert table() == rendered(cells)
    for client in _CLIENTS:
        for case in CASES:
            assert cells[client.name, case.name] in _possible(client, case), (client.name, case.name)


def _possible(client: Client, case: Case) -> str:
    if client.reason_against(case.name, case.kind):
        return "-"
    return "✓≠" if case.cut else "✓"


def test_a_table_with_a_hole_is_not_written() -> None:
    """A run that left out a client or a case does not change the page."""
    before = PAGE.read_text()
    with pytest.raises(KeyError):
        write_table({(_CLIENTS[0].name, CASES[0].name): "✓"})
    assert PAGE.read_text() == before


def _shown() -> Iterator[Any]:
    heavy = {client.name for driver in drivers() if driver.heavy for client in driver.clients}
    for heading, language, code in _BLOCKS:
        marks = [pytest.mark.heavy_clients] if heading in heavy else []
        yield pytest.param(heading in heavy, language, code, id=heading, marks=marks)


@pytest.mark.parametrize(("heavy", "language", "code"), list(_shown()))
def test_a_block_runs(heavy: bool, language: str, code: str, targets: Targets) -> None:
    """As it stands there, but for the address: it ends well and says something of the answer."""
    code = code.replace("http://127.0.0.1:8000", targets.gateway_url)
    run = {"bash": _shell, "python": _python, "javascript": _node}[language]
    assert len(run(code, heavy)) > 100


def _shell(code: str, heavy: bool) -> str:
    tool = "claude" if heavy else "curl"
    path = f"{_HEAVY / 'node_modules' / '.bin'}:{os.environ['PATH']}"
    if shutil.which(tool, path=path) is None:
        pytest.skip(f"needs {tool}")
    return _ran(["bash", "-c", code], ROOT, PATH=path)


def _python(code: str, heavy: bool) -> str:
    if heavy and not _HEAVY_PYTHON.exists():
        pytest.skip("needs `make clients`")
    return _ran([str(_HEAVY_PYTHON) if heavy else sys.executable, "-c", code], ROOT)


def _node(code: str, heavy: bool) -> str:
    folder = _HEAVY if heavy else _NODE
    if shutil.which("node") is None or not (folder / "node_modules").exists():
        pytest.skip(f"needs node and `npm ci` in {folder.relative_to(ROOT)}")
    with tempfile.NamedTemporaryFile("w", suffix=".mjs", dir=folder) as script:  # beside node_modules, as Node wants it
        script.write(code)
        script.flush()
        return _ran(["node", script.name], folder)


def _ran(command: list[str], cwd: Path, **variables: str) -> str:
    plain = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    with tempfile.TemporaryDirectory() as home:  # a client may keep a configuration, or leave one
        environment = plain | {"HOME": home} | variables
        done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
