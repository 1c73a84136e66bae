import re
import subprocess
import sys
from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from cli.exits import Exit
from cli.main import app


def test_the_version_is_that_of_the_package() -> None:
    """One line, exit code 0."""
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"sluice {version('sluice')}\n")


def test_help_names_every_command() -> None:
    """And nothing that does not exist."""
    lines = CliRunner().invoke(app, ["--help"]).output.partition("Commands:")[2].splitlines()
    assert {line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "} == {
        "up",
        "gateway",
        "worker",
        "simulator",
        "ask",
        "chat",
        "follow",
        "cancel",
        "status",
        "key",
    }


COMMANDS = ("up", "gateway", "worker", "ask", "chat", "follow", "cancel", "status", "key")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_tells_every_exit_code(command: str) -> None:
    """For those who write scripts; 2 is that of every command."""
    told = CliRunner().invoke(app, [command, "--help"]).output.partition("Exit code:")[2].partition("\n\n")[0]
    codes = {int(number) for number in re.findall(r"\b\d+\b", told)}
    assert {0, 2} <= codes
    assert codes <= {*Exit}


def test_no_command_is_wrong_usage() -> None:
    """The help is shown, exit code 2."""
    done = CliRunner().invoke(app, [])
    assert done.exit_code == 2
    assert "Usage:" in done.output


def test_the_command_line_loads_nothing_heavy() -> None:
    """A command imports what it needs when it runs."""
    heavy = {"anthropic", "fastapi", "arq", "redis", "httpx2", "asyncio", "rich", "prometheus_client"}
    probe = f"import sys, cli.main; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, check=True).stdout == b"[]\n"
