"""The Dockerfile, and what carries it out without Docker."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.dockerfile import CannotRehearse, Image, instructions
from deploy.rehearse import DOCKERFILE, ROOT, allowed

PYTHON = Path(os.path.realpath(sys.executable))


def _linted(file: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("hadolint")
    return subprocess.run([tool, "--no-color", str(file)], capture_output=True, text=True, check=False)


def _built(directory: Path, text: str, **arguments: str) -> Image:
    (directory / "context").mkdir(exist_ok=True)
    image = Image(directory / "context", directory / "image", PYTHON, arguments)
    for step in instructions(text):
        image.do(step)
    return image


def test_hadolint_finds_nothing() -> None:
    """The Dockerfile follows the rules of hadolint, without an exception."""
    done = _linted(DOCKERFILE)
    assert done.returncode == 0, done.stdout


def test_hadolint_finds_what_is_wrong(tmp_path: Path) -> None:
    """The same check refuses a Dockerfile that installs what is not pinned."""
    bad = tmp_path / "Dockerfile"
    bad.write_text(DOCKERFILE.read_text() + "RUN pip install anthropic\n")
    assert "DL3013" in _linted(bad).stdout


def test_it_installs_from_the_lock_and_is_not_root() -> None:
    """Every download is checked by its hash, and the last stage runs as a fixed number that is not root's."""
    steps = list(instructions(DOCKERFILE.read_text()))
    installs = [step.text for step in steps if step.name == "RUN" and " install " in step.text]
    users = [step.text for step in steps if step.name == "USER"]
    assert all("--require-hashes" in text or "--no-deps --no-build-isolation" in text for text in installs)
    assert len(installs) == 2
    assert users == ["10001:10001"]


def test_what_it_copies_is_sent() -> None:
    """Each source of a COPY passes the .dockerignore, exists, and nothing else passes."""
    copies = [step.text.split() for step in instructions(DOCKERFILE.read_text()) if step.name == "COPY"]
    sources = [source for words in copies if not words[0].startswith("--from") for source in words[:-1]]
    assert sorted(sources) == sorted(allowed(DOCKERFILE.with_suffix(".dockerignore").read_text()))
    assert all((ROOT / source).exists() for source in sources)


def test_only_lists_of_what_is_sent_are_understood() -> None:
    """A .dockerignore that lets everything through by default is refused."""
    with pytest.raises(CannotRehearse):
        allowed("node_modules\n")


def test_instructions_are_read_as_docker_does() -> None:
    """Continued lines are one instruction; comments and empty lines are none, in the middle of one too."""
    steps = list(instructions("# a\nFROM x AS y\n\nENV A=1 \\\n# b\n    B=2\nRUN a && \\\n    b\n"))
    assert [(step.name, " ".join(step.text.split())) for step in steps] == [
        ("FROM", "x AS y"),
        ("ENV", "A=1 B=2"),
        ("RUN", "a && b"),
    ]


def test_a_stage_sees_only_what_it_copies(tmp_path: Path) -> None:
    """Files of an earlier stage are gone, but for those that are copied from it."""
    text = """
FROM a AS build
WORKDIR /src
RUN echo one > one && echo two > two
FROM a
WORKDIR /app
COPY --from=build /src/one ./
RUN test -f one && test ! -e two
ENTRYPOINT ["true"]
"""
    _built(tmp_path, text)
    assert sorted(path.name for path in (tmp_path / "image").rglob("*")) == ["app", "one"]


def test_arguments_and_variables(tmp_path: Path) -> None:
    """An ARG takes the value it is given, an ENV may name earlier ones, and both reach RUN."""
    text = 'FROM a\nARG WHO=nobody\nENV A=${WHO}1 B=b\nENV PATH=/x:${PATH}\nRUN echo "$A $B" > said\n'
    image = _built(tmp_path, text, WHO="ann")
    assert (tmp_path / "image" / "said").read_text() == "ann1 b\n"
    assert image.stage.variables["PATH"].startswith("/x:")


def test_directories_are_copied_by_their_content(tmp_path: Path) -> None:
    """COPY room ./room gives room/file, as in Docker; a file goes into a target that ends with a slash."""
    (tmp_path / "context" / "room").mkdir(parents=True)
    (tmp_path / "context" / "room" / "file").touch()
    _built(tmp_path, "FROM a\nWORKDIR /src\nCOPY room ./room\nCOPY room/file /b/\n")
    files = [path.relative_to(tmp_path / "image").as_posix() for path in (tmp_path / "image").rglob("file")]
    assert sorted(files) == ["b/file", "src/room/file"]


def test_the_base_image_has_this_python(tmp_path: Path) -> None:
    """`python` in a RUN is the interpreter that was given."""
    _built(tmp_path, "FROM a\nRUN python -c 'import sys; print(sys.version)' > said\n")
    assert (tmp_path / "image" / "said").read_text() == sys.version + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nRUN false",
        "FROM a\nRUN false; true && exit 1",
        "FROM a\nCOPY missing ./",
        "FROM a\nCOPY --from=missing /a /b",
        "FROM a\nCOPY --chmod=755 a b",
        "FROM a\nENV A=${UNKNOWN}",
        "FROM a\nCMD sluice",
        "FROM a\nVOLUME /data",
        "FROM a\nthis is none",
    ],
)
def test_what_fails_or_is_unknown_is_an_error(tmp_path: Path, text: str) -> None:
    """A failed step and an instruction that is not understood both end the rehearsal."""
    with pytest.raises(CannotRehearse):
        _built(tmp_path, text)


def test_the_entrypoint_is_found_on_the_path_of_the_image(tmp_path: Path) -> None:
    """A container's command is looked up in the image; one that is not there is an error."""
    text = 'FROM a\nARG PREFIX=/p\nENV PATH=${PREFIX}:${PATH}\nENTRYPOINT ["program", "-v"]\n'
    image = _built(tmp_path, text, PREFIX=str(tmp_path / "image" / "p"))
    with pytest.raises(CannotRehearse):
        image.command()
    program = tmp_path / "image" / "p" / "program"
    program.parent.mkdir()
    shutil.copy("/bin/true", program)
    assert image.command("up")[0] == [str(program), "-v", "up"]
