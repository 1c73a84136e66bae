"""Makes `.venv` hold what a lock file pins, and Sluice itself: `python3.11 deploy/set_up.py requirements.lock`.

Invariant: a stamp in `.venv` says what it holds and where; it is written last. An interrupted set-up begins again from
nothing, and a checkout has one set-up at a time. The standard library and pip are enough; pip fetches uv, which does
the rest in a fourth of the time.
Does not know: what the packages are for.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_OTHER_SET_UP_S = 900.0
_POLL_S = 0.1
_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "-qq")
_UV = ("pip", "install", "--quiet", "--compile-bytecode", "--system-certs")
_UV_LOCK = "requirements-uv.lock"
_HASHED = ("--require-hashes", "--requirement")
# uv does not read pip's configuration: who has told pip of an index or a proxy of his own means no other one.
_OWN_WAY = re.compile(r"\.(index-url|no-index|proxy|client-cert)=")
_USABLE = "import sys, pip; sys.exit(sys.version_info < (3, 11))"

Run = Callable[[Sequence[str]], int]
Ask = Callable[[Sequence[str]], str]


class CannotSetUp(Exception):
    """Something is missing or failed; the message is one clear line for the user."""


class Environment:
    """The virtual environment of one checkout.

    `run` runs a command in that directory and answers its exit code, `ask` what it prints.
    """

    def __init__(self, root: Path, run: Run, ask: Ask) -> None:
        self._root = root
        self._run = run
        self._ask = ask
        self._home = root / ".venv"
        self._python = str(self._home / "bin" / "python")
        self._uv = str(self._home / "bin" / "uv")
        self._unfinished = self._home / ".unfinished"

    def hold(self, lock: str) -> bool:
        """Make it hold `lock`; False if it did already. Raises CannotSetUp."""
        stamp, content = self._home / f".holds-{lock}", self._content(lock)
        if stamp.exists() and stamp.read_text() == content and not self._unfinished.exists():
            return False
        print(
            f"Setting up .venv with Python {platform.python_version()}: once, about a quarter of a minute.", flush=True
        )
        if not self._is_usable():
            self._create()
        self._unfinished.touch()
        if not self._has_by_uv(lock):
            self._do(self._python, *_PIP, "install", *_HASHED, lock)
        self._do(self._python, *_PIP, "install", "--no-deps", "--no-build-isolation", "--editable", ".")
        stamp.write_text(content)
        self._unfinished.unlink()
        return True

    def _has_by_uv(self, lock: str) -> bool:
        if _OWN_WAY.search(self._ask([self._python, *_PIP, "config", "list"])):
            return False
        fetch = (self._python, *_PIP, "install", "--only-binary", ":all:", *_HASHED, _UV_LOCK)
        if self._run(fetch) == 0 and self._run((self._uv, *_UV, "--python", self._python, *_HASHED, lock)) == 0:
            return True
        print("uv could not do it. pip does, which takes a minute.", flush=True)
        return False

    def _content(self, lock: str) -> str:
        """Where it is, since its scripts name that, and a digest of what it is made from."""
        asked = (self._root / lock).read_bytes() + (self._root / "pyproject.toml").read_bytes()
        return f"{self._root}\n{hashlib.sha256(asked).hexdigest()}\n"

    def _is_usable(self) -> bool:
        if self._unfinished.exists() or not Path(self._python).exists() or self._was_moved():
            return False
        return self._run([self._python, "-c", _USABLE]) == 0

    def _was_moved(self) -> bool:
        stamps = [stamp.read_text() for stamp in self._home.glob(".holds-*")]
        return any(stamp.partition("\n")[0] != str(self._root) for stamp in stamps)

    def _create(self) -> None:
        if importlib.util.find_spec("ensurepip") is None:
            raise CannotSetUp(
                f"{sys.executable} cannot make a virtual environment: its module ensurepip is missing. "
                "On Debian and Ubuntu: apt install python3-venv"
            )
        self._do(sys.executable, "-m", "venv", "--clear", str(self._home))

    def _do(self, *command: str) -> None:
        if code := self._run(command):
            raise CannotSetUp(f"the set-up failed: {' '.join(command)} ended with {code}. Try again.")


@contextlib.contextmanager
def one_at_a_time(root: Path, limit_s: float) -> Iterator[None]:
    """Hold the set-up of a checkout, as long as this process lives. Raises CannotSetUp if another has it for longer."""
    deadline = time.monotonic() + limit_s
    directory = os.open(root, os.O_RDONLY)
    try:
        while not _locked(directory):
            if time.monotonic() > deadline:
                raise CannotSetUp(f"another set-up of this checkout is not done after {limit_s:.0f} s")
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(directory)


def _locked(directory: int) -> bool:
    try:
        fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main(lock: str) -> int:
    """Set up this checkout; answers the exit code."""

    def run(command: Sequence[str]) -> int:
        return subprocess.run(command, cwd=_ROOT, check=False).returncode  # noqa: S603 - our own commands

    def ask(command: Sequence[str]) -> str:
        return subprocess.run(command, cwd=_ROOT, check=False, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603

    try:
        with one_at_a_time(_ROOT, _OTHER_SET_UP_S):
            Environment(_ROOT, run, ask).hold(lock)
    except CannotSetUp as error:
        print(f"sluice: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
