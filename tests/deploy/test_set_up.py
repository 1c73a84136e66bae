"""What makes .venv: it is done once, again when something changed, and never left by half."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from deploy.set_up import CannotSetUp, Environment, one_at_a_time

_LOCK = "requirements.lock"
# What a command is called here, by a word of it.
_NAMES = {
    "--clear": "make",
    "--only-binary": "fetch uv",
    "--compile-bytecode": "uv",
    "--require-hashes": "pip",
    "--editable": "Sluice",
    "-c": "usable?",
}


class Checkout:
    """A checkout in which commands are only noted; `fails` says which of them ends with an error."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.done: list[str] = []
        self.fails: Callable[[str], bool] = lambda command: False
        self.configured = "global.cert='/etc/certificates.pem'\nglobal.extra-index-url='file:///wheels'\n"
        root.mkdir()
        (root / _LOCK).write_text("a==1")
        (root / "pyproject.toml").write_text("[project]")

    def hold(self, lock: str = _LOCK) -> list[str]:
        """Set up, and answer what was done for it, in words."""
        self.done.clear()
        Environment(self.root, self._run, lambda command: self.configured).hold(lock)
        return self.done

    def _run(self, command: Sequence[str]) -> int:
        what = next(name for word, name in _NAMES.items() if word in command)
        self.done.append(what)
        if self.fails(what):
            return 1
        if what == "make":
            self._make_python()
        return 0

    def _make_python(self) -> None:
        for old in (self.root / ".venv").glob(".*"):
            old.unlink()
        (self.root / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
        (self.root / ".venv" / "bin" / "python").touch()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh clone."""
    return Checkout(tmp_path / "sluice")


_ALL = ["make", "fetch uv", "uv", "Sluice"]
_AGAIN = ["usable?", "fetch uv", "uv", "Sluice"]


def test_a_fresh_clone(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    """All is made, in order, and one line says that it takes a while."""
    assert checkout.hold() == _ALL
    assert capsys.readouterr().out.startswith("Setting up .venv with Python 3.")


def test_the_second_time(checkout: Checkout, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is done, and nothing said."""
    checkout.hold()
    capsys.readouterr()
    assert checkout.hold() == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("changed", [_LOCK, "pyproject.toml"])
def test_a_change_is_installed(checkout: Checkout, changed: str) -> None:
    """A new lock or project file is installed into what is there."""
    checkout.hold()
    (checkout.root / changed).write_text("b==2")
    assert checkout.hold() == _AGAIN
    assert checkout.hold() == []


def test_another_lock_is_installed_too(checkout: Checkout) -> None:
    """Each lock has its stamp; what one holds says nothing of the other."""
    checkout.hold()
    (checkout.root / "requirements-dev.lock").write_text("b==2")
    assert checkout.hold("requirements-dev.lock") == _AGAIN
    assert checkout.hold() == []


@pytest.mark.parametrize(
    ("step", "done"),
    [("fetch uv", ["make", "fetch uv", "pip", "Sluice"]), ("uv", ["make", "fetch uv", "uv", "pip", "Sluice"])],
)
def test_pip_does_what_uv_cannot(
    checkout: Checkout, step: str, done: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where there is no uv, or it does not reach what pip reaches; and it is said."""
    checkout.fails = step.__eq__
    assert checkout.hold() == done
    assert "uv could not" in capsys.readouterr().out
    assert checkout.hold() == []


@pytest.mark.parametrize(
    "told",
    ["global.index-url='https://packages.example/simple'", ":env:.no-index='1'", "install.proxy='http://p:3128'"],
)
def test_who_has_told_pip_where_to_go_is_sent_nowhere_else(checkout: Checkout, told: str) -> None:
    """An index or a proxy of pip's configuration, which uv does not read."""
    checkout.configured += f"{told}\n"
    assert checkout.hold() == ["make", "pip", "Sluice"]


@pytest.mark.parametrize("step", ["pip", "Sluice"])
def test_an_interrupted_set_up_begins_again(checkout: Checkout, step: str) -> None:
    """What a failure left behind is not trusted, also if an earlier set-up had succeeded."""
    checkout.hold()
    (checkout.root / _LOCK).write_text("b==2")
    checkout.fails = {step, "uv"}.__contains__
    with pytest.raises(CannotSetUp, match="Try again"):
        checkout.hold()
    (checkout.root / _LOCK).write_text("a==1")
    checkout.fails = lambda command: False
    assert checkout.hold() == _ALL


def test_a_python_that_is_gone(checkout: Checkout) -> None:
    """An environment whose Python is too old, or does not start, is made again."""
    checkout.hold()
    (checkout.root / _LOCK).write_text("b==2")
    checkout.fails = "usable?".__eq__
    assert checkout.hold() == ["usable?", *_ALL]


def test_a_moved_checkout(checkout: Checkout) -> None:
    """The scripts of an environment name its place, so it is made again elsewhere."""
    checkout.hold()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    assert checkout.hold() == _ALL


def test_a_python_without_ensurepip(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line says what to install, and nothing is left behind."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CannotSetUp, match="apt install python3-venv"):
        checkout.hold()
    assert not (checkout.root / ".venv").exists()


def test_one_at_a_time(tmp_path: Path) -> None:
    """Another process that wants the same checkout waits, and gives up after its limit."""
    program = f"""
from pathlib import Path
from deploy.set_up import one_at_a_time
with one_at_a_time(Path({str(tmp_path)!r}), 0.0):
    print("mine")
"""
    other = [sys.executable, "-c", program]
    with one_at_a_time(tmp_path, 0.0):
        held = subprocess.run(other, capture_output=True, text=True, check=False)
    free = subprocess.run(other, capture_output=True, text=True, check=False)
    assert "another set-up of this checkout" in held.stderr
    assert free.stdout == "mine\n"
