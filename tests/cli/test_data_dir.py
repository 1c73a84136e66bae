import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.command import CannotGoOn
from cli.data_dir import DataDir


def test_it_is_made_private(tmp_path: Path) -> None:
    """The server's part is for its owner only; missing parents are made."""
    with DataDir(tmp_path / "a" / "b") as data:
        assert data.store == tmp_path / "a" / "b" / "valkey"
        assert data.store.stat().st_mode & 0o777 == 0o700


def test_two_do_not_share_it(tmp_path: Path) -> None:
    """The second is told who has it; once the first is gone, it may."""
    with DataDir(tmp_path), pytest.raises(CannotGoOn, match=f"process {os.getpid()}.*{tmp_path}"), DataDir(tmp_path):
        pass
    with DataDir(tmp_path):
        pass


def test_the_lock_lasts_as_long_as_an_heir_lives(tmp_path: Path) -> None:
    """A server that outlives its `sluice up` still keeps others out."""
    with DataDir(tmp_path) as data:
        heir = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(data.lock,))
    with pytest.raises(CannotGoOn), DataDir(tmp_path):
        pass
    heir.communicate(b"\n", timeout=10)
    with DataDir(tmp_path):
        pass


def test_what_cannot_be_a_directory_is_refused(tmp_path: Path) -> None:
    """One clear line, with the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotGoOn, match=r"Cannot use the data directory .*file.*: Not a directory"):
        DataDir(tmp_path / "file").__enter__()


def test_the_socket_is_beside_the_data_if_its_path_is_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative directory counts with its absolute path."""
    monkeypatch.chdir("/")
    with DataDir(Path("tmp") / tmp_path.name) as data:
        assert data.socket == Path("/tmp") / tmp_path.name / "valkey" / "valkey.sock"
    os.remove(data.path / "lock")
    data.store.rmdir()
    data.path.rmdir()


def test_a_long_path_has_its_socket_in_a_private_directory(tmp_path: Path) -> None:
    """Unix sockets' paths are short; the directory is gone afterwards."""
    with DataDir(tmp_path / ("long" * 30)) as data:
        assert len(os.fsencode(data.socket)) < 100
        assert data.socket.parent.stat().st_mode & 0o777 == 0o700
        assert data.store.is_relative_to(tmp_path)
    assert not data.socket.parent.exists()
