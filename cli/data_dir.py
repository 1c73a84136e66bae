"""The directory that keeps the embedded server's data, for one `sluice up` at a time.

Invariant: who holds the lock is the only one that writes there. The lock belongs to an open file, so it ends with the
last process that has it open, however that dies; the server inherits it and so is never doubled.
Does not know: what is kept.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.command import CannotGoOn

# sun_path holds 108 bytes on Linux, 104 on macOS, with a NUL at the end; the server adds a suffix while it binds.
_SOCKET_PATH_BYTES = 90
_SOCKET = "valkey.sock"


class DataDir:
    """A context: the lock is held inside. `lock` is its file descriptor, `socket` a path short enough to bind."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.store = self.path / "valkey"
        self.lock = -1
        self._private: Path | None = None
        self.socket = self.store / _SOCKET

    def __enter__(self) -> Self:
        """Raises CannotGoOn if the directory cannot be used, or another `sluice up` uses it."""
        try:
            self.store.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise CannotGoOn(f"Cannot use the data directory {self.path}: {error.strerror}.") from error
        self._take()
        if len(os.fsencode(self.socket)) > _SOCKET_PATH_BYTES:
            self._private = Path(tempfile.mkdtemp(prefix="sluice-", dir=_short_temporary_directory()))
            self.socket = self._private / _SOCKET
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.lock)
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)  # a leftover there does no harm

    def _take(self) -> None:
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self.lock, 32, 0).decode(errors="replace").strip()
            os.close(self.lock)
            raise CannotGoOn(
                f"Another sluice up (process {holder}) uses the data directory {self.path}. "
                "Stop it, or choose another --data-dir."
            ) from error
        os.ftruncate(self.lock, 0)
        os.pwrite(self.lock, b"%d\n" % os.getpid(), 0)


def _short_temporary_directory() -> str:
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) < _SOCKET_PATH_BYTES // 2 else "/tmp"  # noqa: S108 - mkdtemp makes it private
