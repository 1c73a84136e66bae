"""Carries out the instructions of a Dockerfile in a directory, without Docker.

Invariant: every path of the image lies under `root`; a stage starts with an empty root and sees of earlier stages only
what it copies from them. An instruction or a form that is not known is an error, never passed over.
Does not know: layers, users, base images. The base image's Python is the one given; the rest of it is this machine.
Source of the rules: https://docs.docker.com/reference/dockerfile/.
"""

import json
import os
import re
import shlex
import shutil
import string
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_INSTRUCTION = re.compile(r"([A-Z]+)\s+(.*)", re.DOTALL)
_SAYS_NOTHING_TO_DO = ("USER", "EXPOSE")
_NOT_OF_AN_IMAGE = ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")


class CannotRehearse(Exception):
    """A step that failed, or that this file does not know; the message names it."""


@dataclass(frozen=True)
class Instruction:
    """One instruction, its continued lines joined."""

    name: str
    text: str


@dataclass
class Stage:
    """What the instructions of one FROM have set."""

    name: str
    directory: str = "/"
    variables: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)


def instructions(text: str) -> Iterator[Instruction]:
    """The instructions of a Dockerfile in order. Raises CannotRehearse for a line that is none."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        found = _INSTRUCTION.fullmatch(line.strip())
        if found is None:
            raise CannotRehearse(f"not an instruction: {line}")
        yield Instruction(found[1], found[2].strip())


class Image:
    """Files under `root`, made from `context`; `arguments` are as in `docker build --build-arg`."""

    def __init__(self, context: Path, root: Path, python: Path, arguments: Mapping[str, str]) -> None:
        self.stage = Stage("")
        self._context = context
        self._root = root
        self._arguments = arguments
        self._stages: dict[str, Path] = {}
        self._tools = root.with_name(root.name + ".base-image")
        self._tools.mkdir(parents=True)
        base_python = self._tools / "python"
        base_python.write_text(f'#!/bin/sh\nexec {shlex.quote(str(python))} "$@"\n')
        base_python.chmod(0o755)

    def do(self, step: Instruction) -> None:
        """Carry out one instruction. Raises CannotRehearse."""
        if step.name in _SAYS_NOTHING_TO_DO:
            return
        steps: dict[str, Callable[[str], None]] = {
            "FROM": self._from,
            "ARG": self._arg,
            "ENV": self._env,
            "WORKDIR": self._workdir,
            "COPY": self._copy,
            "RUN": self._run,
            "ENTRYPOINT": self._entrypoint,
            "CMD": json.loads,
        }
        if step.name not in steps:
            raise CannotRehearse(f"{step.name} is not known here")
        try:
            steps[step.name](step.text)
        except (OSError, ValueError, KeyError) as error:
            raise CannotRehearse(f"{step.name} {step.text}: {type(error).__name__}: {error}") from error

    def command(self, *words: str) -> tuple[list[str], Path, dict[str, str]]:
        """What a container of the last stage would run: its command line, directory and environment."""
        environment = self._environment()
        program = shutil.which(self.stage.entrypoint[0], path=environment["PATH"])
        if program is None:
            raise CannotRehearse(f"the entrypoint {self.stage.entrypoint[0]} is not on the image's PATH")
        return [program, *self.stage.entrypoint[1:], *words], self._place(self.stage.directory), environment

    def _from(self, text: str) -> None:
        if self.stage.name:
            kept = self._root.with_name(f"{self._root.name}.{self.stage.name}")
            self._root.rename(kept)
            self._stages[self.stage.name] = kept
        self._root.mkdir(parents=True)
        _, _, name = text.partition(" AS ")
        self.stage = Stage(name or "last", variables={"PATH": f"{self._tools}:{os.defpath}"})

    def _arg(self, text: str) -> None:
        name, _, default = text.partition("=")
        self.stage.variables[name] = self._arguments.get(name, default)

    def _env(self, text: str) -> None:
        before = dict(self.stage.variables)
        for assignment in shlex.split(text):
            name, _, value = assignment.partition("=")
            self.stage.variables[name] = string.Template(value).substitute(before)

    def _workdir(self, text: str) -> None:
        self.stage.directory = text
        self._place(text).mkdir(parents=True, exist_ok=True)

    def _copy(self, text: str) -> None:
        words = shlex.split(string.Template(text).substitute(self.stage.variables))
        origin = self._context
        if words[0].startswith("--from="):
            origin = self._stages[words.pop(0).removeprefix("--from=")]
        *sources, target = words
        if any(word.startswith("--") for word in words) or not sources:
            raise CannotRehearse(f"COPY {text}: this form is not known here")
        if len(sources) > 1 and not target.endswith("/"):
            raise CannotRehearse(f"COPY {text}: several sources need a target that ends with /")
        for source in sources:
            _copied(origin / self._relative(source), self._place(target), into=target.endswith("/"))

    def _run(self, text: str) -> None:
        done = subprocess.run(  # noqa: S603 - the project's own Dockerfile
            ["/bin/sh", "-ec", text],
            cwd=self._place(self.stage.directory),
            env=self._environment(),
            check=False,
        )
        if done.returncode:
            raise CannotRehearse(f"RUN {text}: ended with {done.returncode}")

    def _entrypoint(self, text: str) -> None:
        self.stage.entrypoint = [str(word) for word in json.loads(text)]

    def _environment(self) -> dict[str, str]:
        # This machine's own settings remain, such as those of its network.
        machine = {name: value for name, value in os.environ.items() if name not in _NOT_OF_AN_IMAGE}
        return machine | self.stage.variables

    def _place(self, path: str) -> Path:
        """Where a path of the image is on this machine."""
        absolute = Path(self.stage.directory) / path
        return self._root / self._relative(str(absolute))

    def _relative(self, path: str) -> str:
        return path.removeprefix(str(self._root)).lstrip("/")


def _copied(source: Path, target: Path, *, into: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        return
    place = target / source.name if into or target.is_dir() else target
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, place)
