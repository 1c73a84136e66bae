"""What a server says, in a terminal: control characters are shown and never obeyed, whichever command says it."""

import json
import sys

import pytest

from tests.cli.events import JOB, answer, delta
from tests.cli.scripted_server import Reply, ScriptedServer
from tests.cli.terminal import Terminal

_SAID = "\x1b[2J\x9b31m\x1b]0;x\x07"
_SHOWN = "�[2J�31m�]0;x�"
_ERROR = json.dumps({"error": {"type": "api_error", "message": _SAID}}, ensure_ascii=False)
_REFUSED = Reply(_ERROR.encode(), status=500)


def _sluice(*words: str) -> list[str]:
    return [sys.executable, "-m", "cli", *words]


@pytest.mark.parametrize("words", [("ask", "Hello?"), ("ask", "Hello?", "--json"), ("follow", JOB), ("status",)])
def test_an_error_is_shown_and_not_obeyed(words: tuple[str, ...]) -> None:
    """Where the command ends with it."""
    server = ScriptedServer(_REFUSED, Reply(b""))
    with Terminal(_sluice(*words), {"SLUICE_URL": server.url}, columns=200) as terminal:
        assert terminal.exit_code() == 1
    server.close()
    assert f"api_error: {_SHOWN} (HTTP 500)" in terminal.text


def test_an_error_in_a_chat_is_shown_and_not_obeyed() -> None:
    """Where the chat goes on."""
    server = ScriptedServer(_REFUSED)
    with Terminal(_sluice("chat"), {"SLUICE_URL": server.url}, columns=200) as terminal:
        terminal.shows("\n>")
        terminal.type("Hello?\n")
        terminal.shows(f"sluice: api_error: {_SHOWN} (HTTP 500)")
    server.close()


@pytest.mark.parametrize("kind", ["dumb", "xterm-256color"])
def test_an_error_in_a_watch_is_shown_and_not_obeyed(kind: str) -> None:
    """As lines, and painted."""
    server = ScriptedServer(_REFUSED, Reply(b""))
    command = _sluice("status", "--watch", "--every", "3600")
    with Terminal(command, {"SLUICE_URL": server.url, "TERM": kind}, columns=200) as terminal:
        terminal.shows(f"api_error: {_SHOWN} (HTTP 500)")
    server.close()


def test_the_state_of_a_job_is_shown_and_not_obeyed() -> None:
    """Whatever the server calls it."""
    server = ScriptedServer(Reply(json.dumps({"state": _SAID}).encode()))
    with Terminal(_sluice("cancel", JOB), {"SLUICE_URL": server.url}) as terminal:
        assert terminal.exit_code() == 0
    server.close()
    assert terminal.text == f"{JOB} {_SHOWN}"


def test_json_in_a_terminal_holds_no_control_character() -> None:
    """The same object, with these letters escaped."""
    server = ScriptedServer(Reply(answer()[0] + delta(_SAID + "é\x7f", 2) + b"".join(answer()[5:])))
    with Terminal(_sluice("ask", "Hello?", "--json"), {"SLUICE_URL": server.url}, columns=1000) as terminal:
        assert terminal.exit_code() == 0
    server.close()
    assert json.loads(terminal.text)["text"] == _SAID + "é\x7f"
    assert "é" in terminal.text
    assert not {letter for letter in terminal.text if "\x7f" <= letter < "\xa0"}
