import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.command import CannotGoOn, Command
from cli.leash_holder import LeashHolder
from cli.processes import Child
from cli.restarts import QUICK_DEATHS
from tests.cli.houses import Diary
from tests.cli.waiting import gone, soon, until


class Room:
    """A child under test: what it said, what was said about it, its task."""

    def __init__(self, argv: tuple[str, ...], leash: LeashHolder, **how: object) -> None:
        self.relayed: list[tuple[str, str]] = []
        self.said: list[str] = []
        command = Command("room", argv, dict(os.environ), **how)  # type: ignore[arg-type]  # the test's choice
        self.child = Child(command, leash, lambda name, line: self.relayed.append((name, line)), self.said.append)
        self.task = asyncio.create_task(self.child.keep_running())


@pytest.fixture
async def leash() -> AsyncIterator[LeashHolder]:
    """A leash, so that a failing test leaves nothing behind."""
    async with LeashHolder() as holder:
        yield holder


async def test_a_room_ends_by_sigterm_and_stays_ended(diary: Diary, leash: LeashHolder) -> None:
    """`terminate` is a request to it, and it is not started again."""
    room = Room(diary.argv("room"), leash)
    await soon(lambda: diary.pids("room"))
    room.child.terminate()
    await asyncio.wait_for(room.task, 10)
    assert diary.lines[1:] == ["room SIGTERM", "room ended"]
    assert room.said == []
    assert room.child.pid is None


async def test_a_killed_room_is_reported_and_started_again(diary: Diary, leash: LeashHolder) -> None:
    """The next process is another one, and what it writes is relayed, too."""
    room = Room(diary.argv("room"), leash)
    await soon(lambda: diary.pids("room"))
    os.kill(diary.pids("room")[0], signal.SIGKILL)
    await soon(lambda: len(diary.pids("room")) == 2)
    assert room.said == ["room died (killed by SIGKILL); it starts again in 0.2 s"]
    await soon(lambda: room.relayed == [("room", "room says hello")] * 2)
    room.child.kill()
    await asyncio.wait_for(room.task, 10)


async def test_a_room_that_always_dies_is_given_up(
    diary: Diary, leash: LeashHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last quick death there is no other start."""
    monkeypatch.setattr("cli.restarts.FIRST_PAUSE_S", 0.01)
    room = Room(diary.argv("room", "--exit", 3), leash)
    with pytest.raises(CannotGoOn, match=rf"room died {QUICK_DEATHS} times, each soon after its start \(exit code 3\)"):
        await asyncio.wait_for(room.task, 20)
    assert len(diary.pids("room")) == QUICK_DEATHS


async def test_a_room_that_refuses_its_settings_is_not_asked_again(diary: Diary, leash: LeashHolder) -> None:
    """Exit code 2 means that the same again would be refused again."""
    room = Room(diary.argv("room", "--exit", 2), leash)
    with pytest.raises(CannotGoOn, match="room refused to start"):
        await asyncio.wait_for(room.task, 10)
    assert len(diary.pids("room")) == 1
    assert room.relayed == [("room", "room says hello")]


async def test_a_room_in_its_pause_can_be_stopped(
    diary: Diary, leash: LeashHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits out the pause, and there is no other start."""
    monkeypatch.setattr("cli.restarts.FIRST_PAUSE_S", 4.0)
    room = Room(diary.argv("room", "--exit", 1), leash)
    await soon(lambda: room.said)
    room.child.terminate()
    await asyncio.wait_for(room.task, 2)
    assert len(diary.pids("room")) == 1


async def test_a_room_that_is_stopped_before_it_began_never_begins(diary: Diary, leash: LeashHolder) -> None:
    """The request may come while its process is being made."""
    room = Room(diary.argv("room"), leash)
    await asyncio.sleep(0)
    room.child.terminate()
    await asyncio.wait_for(room.task, 10)
    assert diary.lines == []


async def test_what_a_dead_room_had_started_is_ended(diary: Diary, leash: LeashHolder) -> None:
    """A child that it left behind neither stays nor, holding its output open, hides its death."""
    room = Room(diary.argv("room", "--child"), leash)
    await soon(lambda: diary.pids("room"))
    os.kill(diary.pids("room")[0], signal.SIGKILL)
    await soon(lambda: len(diary.pids("room")) == 2)
    room.child.kill()
    await asyncio.wait_for(room.task, 10)
    assert len(diary.pids("room", "child")) == 2
    await soon(lambda: all(gone(pid) for pid in diary.pids("room", "child")))


async def test_a_room_has_a_session_of_its_own(diary: Diary, leash: LeashHolder) -> None:
    """The terminal's Ctrl-C does not reach it."""
    room = Room(diary.argv("room"), leash)
    await soon(lambda: diary.pids("room"))
    pid = diary.pids("room")[0]
    assert os.getsid(pid) == os.getpgid(pid) == pid == room.child.pid
    room.child.kill()
    await asyncio.wait_for(room.task, 10)


async def test_a_room_reads_nothing_and_inherits_what_it_is_given(leash: LeashHolder, tmp_path: Path) -> None:
    """Its input is empty; its umask and its open files are those of the command."""
    looks = "import os, sys; print(repr(sys.stdin.read()), oct(os.umask(0)), os.readlink('/proc/self/fd/%d')); input()"
    given = os.open(tmp_path, os.O_RDONLY)
    room = Room((sys.executable, "-c", looks % given), leash, umask=0o077, inherited=(given,))
    if sys.platform == "linux":
        await soon(lambda: room.relayed)
        assert room.relayed[0] == ("room", f"'' 0o77 {tmp_path}")
    room.child.kill()
    await asyncio.wait_for(room.task, 10)
    os.close(given)


async def test_a_program_that_is_not_there_is_told(leash: LeashHolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell's words are relayed, and it is given up."""
    monkeypatch.setattr("cli.restarts.FIRST_PAUSE_S", 0.01)
    room = Room(("/nowhere/server",), leash)
    with pytest.raises(CannotGoOn, match="exit code 127"):
        await asyncio.wait_for(room.task, 10)
    assert "/nowhere/server" in room.relayed[0][1]


def test_a_command_does_not_begin_when_its_holder_is_gone_first(diary: Diary) -> None:
    """Between the birth of a process and its leash there is no moment in which it could be left behind."""
    dies = (
        "import asyncio, os, sys\n"
        "from cli.command import Command\n"
        "from cli.leash_holder import LeashHolder\n"
        "from cli.processes import Child\n"
        "class Late(LeashHolder):\n"
        "    def hold(self, group):\n"
        "        print(group, flush=True)\n"
        "        os.kill(os.getpid(), 9)\n"
        "async def main():\n"
        "    child = Child(Command('room', tuple(sys.argv[1:]), dict(os.environ)), Late(), print, print)\n"
        "    await child.keep_running()\n"
        "asyncio.run(main())\n"
    )
    died = subprocess.run([sys.executable, "-c", dies, *diary.argv("room")], capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL
    until(lambda: gone(int(died.stdout)))
    assert diary.lines == []
