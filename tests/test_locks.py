"""The lock files pin, with hashes, what pyproject.toml asks for: nothing is missing, nothing contradicts."""

import re
import tomllib
from collections.abc import Iterable
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
DEV = RUNTIME + PROJECT["project"]["optional-dependencies"]["dev"]

LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock")

Pins = dict[str, Requirement]


def _entries(text: str) -> list[str]:
    """A lock's requirements, each with the options that belong to it, comments left out."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    return [line for line in joined.splitlines() if line.strip()]


def _pins(text: str) -> Pins:
    """Name → the one pinned version, with its marker."""
    requirements = [Requirement(entry.partition(" --hash=")[0]) for entry in _entries(text)]
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def _unmet(asked: Iterable[str], pins: Pins) -> list[str]:
    """Which of these requirements, and of all that they need here in turn, no pin fulfils."""
    unmet, waiting, seen = [], [Requirement(text) for text in asked], set()
    while waiting:
        requirement = waiting.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        pin = pins.get(canonicalize_name(requirement.name))
        if pin is None or not requirement.specifier.contains(_version(pin), prereleases=True):
            unmet.append(str(requirement))
        else:
            waiting += _needs(requirement)
    return unmet


def _version(pin: Requirement) -> str:
    return next(iter(pin.specifier)).version


def _needs(requirement: Requirement) -> list[Requirement]:
    """What the installed package needs on this machine, for the extras that are asked for."""
    extras = {"", *requirement.extras}
    needed = [Requirement(text) for text in requires(requirement.name) or []]
    return [need for need in needed if not need.marker or any(need.marker.evaluate({"extra": name}) for name in extras)]


@pytest.mark.parametrize(
    ("lock", "asked"),
    [("requirements.lock", RUNTIME), ("requirements-dev.lock", DEV), ("requirements-uv.lock", ["uv"])],
)
def test_a_lock_has_all_that_is_asked_for(lock: str, asked: list[str]) -> None:
    """Every requirement, and what it needs in turn, is pinned to a version that it accepts."""
    assert _unmet(asked, _pins((ROOT / lock).read_text())) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_exact_and_has_hashes(lock: str) -> None:
    """Pip can check each file that it downloads."""
    for entry in _entries((ROOT / lock).read_text()):
        assert re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==\S+ ", entry), entry
        assert " --hash=sha256:" in entry, entry


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index(lock: str) -> None:
    """Where packages come from is for who installs them."""
    assert not re.search(r"://|--(extra-)?index-url|--find-links", (ROOT / lock).read_text())


def test_tests_run_on_what_is_run() -> None:
    """The lock for development holds every pin of the other one."""
    runtime, dev = (_pins((ROOT / name).read_text()) for name in ("requirements.lock", "requirements-dev.lock"))
    assert {name: pin for name, pin in runtime.items() if str(dev.get(name)) != str(pin)} == {}


def test_one_uv_installs_and_locks() -> None:
    """The one that sets up is the one of development."""
    fetched, dev = (_pins((ROOT / name).read_text()) for name in ("requirements-uv.lock", "requirements-dev.lock"))
    assert [str(pin) for pin in fetched.values()] == [str(dev["uv"])]


def test_the_build_backend_is_locked_as_asked() -> None:
    """The group that brings the build backend into the locks asks for just what a build asks for."""
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


@pytest.mark.parametrize(
    ("lock", "unmet"),
    [
        ("arq==0.28.0 \\\n    --hash=sha256:00\n", "redis"),
        ("redis==5.3.1 \\\n    --hash=sha256:00\n", "arq==0.28.0"),
        ("arq==0.27.0 \\\n    --hash=sha256:00\n    # via sluice\n", "arq==0.28.0"),
    ],
)
def test_what_is_not_pinned_is_found(lock: str, unmet: str) -> None:
    """A missing package, a missing package of a package, and a version that is not accepted are all noticed."""
    assert any(found.startswith(unmet) for found in _unmet(["arq==0.28.0"], _pins(lock)))
