"""Does what deploy/Dockerfile does, without Docker, and uses the result: `python -m deploy.rehearse`.

Invariant: exit code 0 only if every step worked, and what it made starts, is this version, holds every file of the
rooms, and passes its healthcheck.
Does not know: whether the base image and the network of a real build are there.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from pathlib import Path

from deploy.dockerfile import CannotRehearse, Image, instructions

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
_IGNORED = shutil.ignore_patterns("__pycache__")
_ROOMS = ("cli", "gateway", "simulator", "streamlog", "telemetry", "worker")
_PREFIX = "opt/sluice"
_STEP_S = 30.0


def allowed(ignore_file: str) -> list[str]:
    """What a .dockerignore of the form `*`, `!name` lets through. Raises CannotRehearse if it begins otherwise."""
    lines = [line for line in ignore_file.splitlines() if line and not line.startswith("#")]
    if lines[:1] != ["*"]:
        raise CannotRehearse("the .dockerignore must begin with *, so that nothing is sent by accident")
    return [line[1:] for line in lines if line.startswith("!")]


def make_context(target: Path) -> None:
    """Copy to `target` what the builder would be sent."""
    for name in allowed(DOCKERFILE.with_suffix(".dockerignore").read_text()):
        source, place = ROOT / name, target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=_IGNORED)
        else:
            shutil.copy2(source, place)


def build(place: Path) -> Image:
    """Carry out the Dockerfile below `place`. Raises CannotRehearse."""
    make_context(place / "context")
    root = place / "image"
    base_python = Path(os.path.realpath(sys.executable))
    image = Image(place / "context", root, base_python, {"PREFIX": str(root / _PREFIX)})
    for step in instructions(DOCKERFILE.read_text()):
        began = time.monotonic()
        image.do(step)
        print(f"{time.monotonic() - began:6.1f} s  {step.name} {step.text[:80]}", flush=True)
    shutil.rmtree(place / "context")
    return image


def check_version(image: Image) -> None:
    """`sluice --version` is the version of pyproject.toml. Raises CannotRehearse."""
    expected = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    command, directory, environment = image.command("--version")
    said = subprocess.run(  # noqa: S603 - the entrypoint just built
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=_STEP_S, check=False
    )
    if said.stdout.strip() != f"sluice {expected}":
        raise CannotRehearse(f"sluice --version said {said.stdout!r} {said.stderr!r}, not {expected}")


def check_files(prefix: Path) -> None:
    """Every file of the rooms is installed; what is no Python is easily forgotten. Raises CannotRehearse."""
    installed = next(prefix.glob("lib/python3*/site-packages"))
    files = [path.relative_to(ROOT) for room in _ROOMS for path in (ROOT / room).rglob("*") if path.is_file()]
    missing = [str(file) for file in files if "__pycache__" not in file.parts and not (installed / file).exists()]
    if missing:
        raise CannotRehearse(f"not installed: {', '.join(missing)}; see package-data in pyproject.toml")


def check_health(image: Image, prefix: Path) -> None:
    """A simulator of this image starts and passes the image's healthcheck. Raises CannotRehearse."""
    command, directory, environment = image.command("simulator", "--port", "0")
    process = subprocess.Popen(  # noqa: S603 - the entrypoint just built
        command, cwd=directory, env=environment, stdout=subprocess.PIPE, text=True
    )
    guard = threading.Timer(_STEP_S, process.kill)  # ends the reading below, whatever happens
    guard.start()
    try:
        assert process.stdout is not None
        port = re.search(r":(\d+)\s*$", process.stdout.readline())
        if port is None:
            raise CannotRehearse("the simulator of the image did not say where it listens")
        healthcheck = [str(prefix / "bin" / "python"), str(prefix / "healthcheck.py"), port[1], "/healthz"]
        if subprocess.run(healthcheck, env=environment, timeout=_STEP_S, check=False).returncode:  # noqa: S603 - ours
            raise CannotRehearse("the healthcheck of the image failed")
    finally:
        process.terminate()
        process.wait(_STEP_S)
        guard.cancel()


def main() -> int:
    """Rehearse; answers the exit code."""
    with tempfile.TemporaryDirectory(prefix="sluice-") as place:
        prefix = Path(place).resolve() / "image" / _PREFIX
        try:
            image = build(Path(place).resolve())
            check_version(image)
            check_files(prefix)
            check_health(image, prefix)
        except (CannotRehearse, subprocess.TimeoutExpired) as error:
            print(f"rehearsal failed: {error}", file=sys.stderr)
            return 1
    print("The Dockerfile's steps work: sluice starts, is whole, and passes its healthcheck.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
