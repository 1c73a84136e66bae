"""A `sluice up` of fake rooms, run as a process of its own, and the diary that the rooms keep."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.cli.waiting import until

HOUSE = "tests.cli.fake_house"
ROOM = str(Path(__file__).with_name("fake_room.py"))
ROOT = Path(__file__).parents[2]


class Diary:
    """What fake rooms wrote about their lives, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def pids(self, name: str, what: str = "started") -> list[int]:
        """Every process that was this room, first to last."""
        return [int(line.split()[-1]) for line in self.lines if line.startswith(f"{name} {what} ")]

    def argv(self, name: str, *words: object) -> tuple[str, ...]:
        """The command line of a fake room that writes into this diary."""
        return (sys.executable, ROOM, name, str(self.path), *map(str, words))


class House:
    """A running `fake_house.py`; `how` goes to Popen."""

    def __init__(self, words: list[str], output: Path, **how: Any) -> None:
        self._output = output
        with output.open("wb") as out:
            streams = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": subprocess.STDOUT}
            self.process = subprocess.Popen([sys.executable, "-m", HOUSE, *words], cwd=ROOT, **{**streams, **how})

    @property
    def said(self) -> str:
        """All that it wrote so far."""
        return self._output.read_text()

    def until_said(self, text: str) -> None:
        """Wait until it wrote the text. Raises `AssertionError` with all it wrote when it ends before."""
        until(lambda: text in self.said or self.process.poll() is not None)
        assert text in self.said, self.said

    def ended(self, within_s: float = 15.0) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(within_s)
