import os
import pty
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.command import CannotGoOn, WrongUsage
from cli.house import keep_house
from cli.plan import Options
from tests.cli.houses import Diary, House
from tests.cli.waiting import gone, until
from tests.support.valkey import Valkey

Houses = Callable[..., House]


def _options(port: int) -> Options:
    return Options("127.0.0.1", port, workers=1, slots=1, drain_s=1.0)


def test_a_taken_port_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    """Not even the data directory is touched."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(CannotGoOn, match=f"127.0.0.1:{port} is taken by another program"):
            keep_house(_options(port), "", tmp_path / "data")
    assert not (tmp_path / "data").exists()


def test_a_given_redis_leaves_no_data_directory(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is kept here, and a Redis that does not answer is one line and exit code 1."""
    monkeypatch.setattr("cli.supervisor._GIVEN_ANSWERS_S", 0.1)
    assert keep_house(_options(0), "redis://127.0.0.1:1/0", tmp_path / "data") == 1
    assert "Redis at redis://127.0.0.1:1/0 does not answer" in capfd.readouterr().out
    assert not (tmp_path / "data").exists()


def test_a_cluster_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    """What is needed instead, as wrong usage."""
    server = Valkey(cluster=True)
    try:
        with pytest.raises(WrongUsage, match="REDIS_URL leads to a Redis Cluster; Sluice needs a single server"):
            keep_house(_options(0), server.url, tmp_path / "data")
    finally:
        server.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_order(number: int, house: Houses, diary: Diary, port: int) -> None:
    """Exit code 0; its lines stand beside those of the rooms, each behind its name."""
    up = house(("gateway", "SERVING", "--port", port), ("worker 1", "SERVING"))
    up.until_said("Ctrl-C stops everything.")
    up.until_said("worker 1 says hello")  # ready means the gateway; a worker may be slower
    up.process.send_signal(number)
    assert up.ended() == 0
    assert {"gateway   │ gateway says hello", "worker 1  │ worker 1 says hello"} <= set(up.said.splitlines())
    assert up.said.endswith("sluice: stopping (Ctrl-C again: at once)\nsluice: stopped\n")
    assert {"gateway ended", "worker 1 ended"} <= set(diary.lines)


def test_kill_9_leaves_no_orphans(house: Houses, diary: Diary, port: int) -> None:
    """Every room is gone, those that were started again or have children of their own included."""
    rooms = (("gateway", "SERVING", "--port", port), ("again", "SERVING"), ("parent", "STORE", "--child"))
    up = house(*rooms)
    up.until_said("Ctrl-C stops everything.")
    until(lambda: diary.pids("again") and diary.pids("parent"))
    os.kill(diary.pids("again")[0], signal.SIGKILL)
    until(lambda: len(diary.pids("again")) == 2)
    up.process.kill()
    assert up.ended() == -signal.SIGKILL
    pids = [*diary.pids("gateway"), *diary.pids("again"), *diary.pids("parent"), *diary.pids("parent", "child")]
    assert len(pids) == 5
    until(lambda: all(gone(pid) for pid in pids), within_s=15)
    assert {"gateway SIGTERM", "again SIGTERM"} <= set(diary.lines)


def test_ctrl_c_of_a_terminal_reaches_no_room(house: Houses, diary: Diary, port: int) -> None:
    """The rooms are stopped in order instead: they get SIGTERM, and no SIGINT."""
    ours, its = pty.openpty()
    up = house(("gateway", "SERVING", "--port", port), stdin=its, preexec_fn=_own_terminal)
    os.close(its)
    up.until_said("Ctrl-C stops everything.")
    os.write(ours, b"\x03")
    assert up.ended() == 0
    os.close(ours)
    assert [line for line in diary.lines if "SIG" in line] == ["gateway SIGTERM"]


def test_a_terminal_that_hangs_up_stops_everything(house: Houses, diary: Diary, port: int) -> None:
    """Nobody can see it any more; what it wants to say then is no reason to fail."""
    ours, its = pty.openpty()
    up = house(("gateway", "SERVING", "--port", port), stdin=its, stdout=its, stderr=its, preexec_fn=_own_terminal)
    os.close(its)
    read = b""
    while b"Ctrl-C stops everything." not in read:
        read += os.read(ours, 4096)
    os.close(ours)
    assert up.ended() == 0
    assert diary.lines[-1] == "gateway ended"


def test_a_pipe_that_is_closed_stops_everything(house: Houses, diary: Diary, port: int) -> None:
    """`sluice up | head` ends as other programs do, but in order."""
    ours, its = os.pipe()
    up = house(("gateway", "SERVING", "--port", port), stdout=its)
    os.close(its)
    read = b""
    while b"Ctrl-C stops everything." not in read:
        read += os.read(ours, 4096)
    os.close(ours)
    os.kill(diary.pids("gateway")[0], signal.SIGKILL)  # so that there is something to say
    assert up.ended() == 0
    assert up.said == ""


def _own_terminal() -> None:
    """Make standard input the controlling terminal of a new session, as a login shell has it."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
