"""Rooms run beside one another, each in one process; what has to be alone waits for all."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.side_by_side import ALONE, room

_ROOT = Path(__file__).parents[1]
_NUMBER = 20
_ROOM = f"""
import os, time
from pathlib import Path
import pytest

@pytest.mark.parametrize("number", range({_NUMBER}))
def test_it(number):
    Path(f"{{__name__}}-{{number}}-{{os.getpid()}}-began").touch()
    until = time.monotonic() + 60
    while number == 0 and not OTHER.issubset(path.name.split("-")[0] for path in Path().glob("*-0-*-began")):
        assert time.monotonic() < until, "the other room has not begun"
        time.sleep(0.01)
    time.sleep(0.01 if __name__ == "test_one" else 0.05)
    Path(f"{{__name__}}-{{number}}-{{os.getpid()}}-over").touch()
"""
_ALONE = """
from pathlib import Path

def test_it():
    Path("beside").write_text(f"{len(list(Path().glob('*-began')))} {len(list(Path().glob('*-over')))}")
"""


def _run(directory: Path, *rooms: str) -> str:
    """What a pytest says that shares these rooms of two processes, under our conftest."""
    tests = {name: _ROOM.replace("OTHER", repr({f"test_{other}" for other in rooms})) for name in rooms}
    (directory / "tests").mkdir()
    shutil.copy(_ROOT / "tests" / "conftest.py", directory / "tests" / "conftest.py")
    for name, text in (tests | {"faults": _ALONE}).items():
        (directory / "tests" / name).mkdir()
        (directory / "tests" / name / f"test_{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "xdist", "-n", "2", "-p", "no:cacheprovider", f"--rootdir={directory}"],
        cwd=directory,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def _processes(directory: Path) -> dict[str, set[str]]:
    """The processes that a room's tests ran in."""
    found: dict[str, set[str]] = {}
    for path in directory.glob("*-over"):
        name, _, process, _ = path.name.split("-")
        found.setdefault(name, set()).add(process)
    return found


@pytest.mark.timeout(300)
def test_two_rooms_run_at_once_and_the_lonely_one_after_them(tmp_path: Path) -> None:
    """Each room has a process of its own; when the lonely one begins, all that began is over."""
    said = _run(tmp_path, "one", "two")
    assert re.search(rf"\b{2 * _NUMBER + 1} passed\b", said), said
    one, two = _processes(tmp_path)["test_one"], _processes(tmp_path)["test_two"]
    assert len(one) == len(two) == 1
    assert one != two
    assert (tmp_path / "beside").read_text() == f"{2 * _NUMBER} {2 * _NUMBER}"


@pytest.mark.timeout(300)
def test_beside_one_room_alone_the_lonely_one_waits_too(tmp_path: Path) -> None:
    """Nothing is lost when there is less to share than processes."""
    said = _run(tmp_path, "two")
    assert re.search(rf"\b{_NUMBER + 1} passed\b", said), said
    assert (tmp_path / "beside").read_text() == f"{_NUMBER} {_NUMBER}"


@pytest.mark.parametrize(
    ("nodeid", "name"),
    [
        ("tests/gateway/test_held.py::test_it[a/b::c]", "gateway"),
        ("tests/streamlog/laws/x.py::test_it", "streamlog"),
        ("tests/test_house.py::test_imports", "cli"),
        ("tests/test_readme.py::test_it", "cli"),
        ("tests/bench/test_bench.py::test_it", "cli"),
        ("tests/end_to_end/test_death.py::test_it", ALONE),
        ("tests/end_to_end/test_sdk.py::test_it", "end_to_end"),
        ("tests/faults/test_faults.py::test_fault[a/b]", ALONE),
        ("test_one.py::test_it", "cli"),
    ],
)
def test_the_room_of_a_test(nodeid: str, name: str) -> None:
    """Its directory; those that start `sluice up` have one together, and so have those that measure the machine."""
    assert room(nodeid) == name
