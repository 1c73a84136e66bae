"""cli/key.py: a key that works, in the form that the gateway reads."""

import re

import pytest
from typer.testing import CliRunner

from cli.main import app
from gateway.clients import hashed, read


def _made(name: str) -> str:
    result = CliRunner().invoke(app, ["key", name])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_key_and_the_lines_of_the_file() -> None:
    """What is printed can be appended to the file as it stands, and knows the key by its hash."""
    printed = _made("web")
    (key,) = re.findall(r"sk-sluice-[A-Za-z0-9_-]{43}", printed)
    assert [client.owner for client in read(printed).values()] == ["client:web"]
    assert set(read(printed)) == {hashed(key)}


def test_no_key_is_made_twice() -> None:
    """256 random bits."""
    assert _made("web") != _made("web")


@pytest.mark.parametrize("name", ["a b", "", 'a"b', "x" * 65])
def test_a_name_that_will_not_do(name: str) -> None:
    """Wrong usage, exit code 2."""
    assert CliRunner().invoke(app, ["key", name]).exit_code == 2
