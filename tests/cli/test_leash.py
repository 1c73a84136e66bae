import signal
import subprocess
import sys
import threading
import time

from cli.leash import held, stop
from tests.cli.houses import Diary
from tests.cli.waiting import until


def _group(diary: Diary, name: str, *words: str) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(diary.argv(name, *words), stdout=subprocess.DEVNULL, start_new_session=True)
    until(lambda: diary.pids(name))
    # A zombie still counts as a member of its group, so it is collected at once, as init would do it.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def test_orders_put_groups_on_the_leash_and_take_them_off() -> None:
    """What was put on and not taken off is held; a group may come back."""
    assert held([b"+10\n", b"+11\n", b"-10\n", b"+12\n", b"-12\n", b"+12\n"]) == {11, 12}


def test_taking_off_what_was_never_on_changes_nothing() -> None:
    """A replaced leash may hear of a death that it was never told the birth of."""
    assert held([b"-7\n", b"+8\n"]) == {8}


def test_stop_ends_a_willing_group_by_sigterm(diary: Diary) -> None:
    """A group that obeys gets no SIGKILL, and its end is not waited for longer than it takes."""
    room = _group(diary, "willing")
    began = time.monotonic()
    stop({room.pid}, grace_s=20)
    assert time.monotonic() - began < 15
    assert diary.lines[1:] == ["willing SIGTERM", "willing ended"]
    assert room.wait(5) == 0


def test_stop_kills_a_stubborn_group_after_the_grace(diary: Diary) -> None:
    """SIGTERM first, SIGKILL when the grace is over, for children of the group's leader, too."""
    room = _group(diary, "stubborn", "--stubborn", "--child")
    stop({room.pid}, grace_s=0.2)
    assert room.wait(5) == -signal.SIGKILL
    assert "stubborn SIGTERM" in diary.lines


def test_stop_passes_over_a_group_that_is_gone() -> None:
    """A group that died between the last order and the end is no error."""
    process = subprocess.Popen([sys.executable, "-c", ""], start_new_session=True)
    process.wait()
    stop({process.pid}, grace_s=0.1)


def test_the_leash_outlives_signals_and_acts_when_its_input_ends(diary: Diary) -> None:
    """SIGTERM, SIGINT and SIGHUP leave it; the end of its holder does not."""
    room = _group(diary, "room")
    leash = subprocess.Popen([sys.executable, "-P", "-m", "cli.leash"], stdin=subprocess.PIPE, bufsize=0)
    assert leash.stdin is not None
    leash.stdin.write(b"+%d\n" % room.pid)
    ignored = f"/proc/{leash.pid}/status"
    if sys.platform == "linux":
        mask = 1 << (signal.SIGTERM - 1)
        until(lambda: int(_field(ignored, "SigIgn"), 16) & mask)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            leash.send_signal(number)
    leash.stdin.close()
    assert leash.wait(10) == 0
    assert "room ended" in diary.lines


def _field(status: str, name: str) -> str:
    with open(status) as lines:
        return next(line.split()[1] for line in lines if line.startswith(f"{name}:"))
