import os
import signal
import subprocess
import sys
import threading

from cli.leash_holder import LeashHolder
from tests.cli.houses import Diary
from tests.cli.waiting import gone, soon


def _started(diary: Diary, name: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(diary.argv(name), stdout=subprocess.DEVNULL, start_new_session=True)
    # A zombie still counts as a member of its group, so it is collected at once, as init would do it.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


async def _group(diary: Diary, name: str) -> "subprocess.Popen[bytes]":
    process = _started(diary, name)
    await soon(lambda: diary.pids(name))
    return process


async def test_the_leash_ends_with_its_holder() -> None:
    """An orderly end leaves no leash behind."""
    async with LeashHolder() as leash:
        pid = leash.pid
        assert not gone(pid)
    assert gone(pid)


async def test_what_is_still_held_at_the_end_is_stopped(diary: Diary) -> None:
    """Even a holder that forgets a group leaves no orphan."""
    async with LeashHolder() as leash:
        room = await _group(diary, "room")
        leash.hold(room.pid)
    await soon(lambda: room.poll() is not None)
    assert "room SIGTERM" in diary.lines


async def test_what_was_released_is_left_alone(diary: Diary) -> None:
    """The number of a dead group may belong to a stranger by now."""
    room = await _group(diary, "stranger")
    async with LeashHolder() as leash:
        leash.hold(room.pid)
        leash.release(room.pid)
    assert "stranger SIGTERM" not in diary.lines
    assert room.poll() is None
    room.kill()
    room.wait()


async def test_a_killed_leash_is_replaced_and_told_everything(diary: Diary) -> None:
    """Groups from before and after its death are all held by the new one."""
    async with LeashHolder() as leash:
        before = await _group(diary, "before")
        leash.hold(before.pid)
        first = leash.pid
        os.kill(first, signal.SIGKILL)
        between = await _group(diary, "between")
        leash.hold(between.pid)
        await soon(lambda: leash.pid != first)
        after = await _group(diary, "after")
        leash.hold(after.pid)
    for room in (before, between, after):
        await soon(lambda: room.poll() is not None)  # noqa: B023 - awaited inside the loop's turn
        assert room.returncode == 0


def test_the_leash_is_there_soon() -> None:
    """It loads nothing of the project's libraries, so that there is hardly a moment without it."""
    loaded = (
        "import cli.leash, sys; print(sorted(name for name in sys.modules if name in ('asyncio', 'typer', 'rich')))"
    )
    said = subprocess.run([sys.executable, "-P", "-c", loaded], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
