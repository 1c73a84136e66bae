import json
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from tests.cli.events import JOB, answer, delta
from tests.cli.scripted_server import Reply, ScriptedServer
from tests.cli.terminal import Terminal
from tests.cli.waiting import until

_NAMED = {"sluice-job-id": JOB}
_WHOLE = Reply(b"".join(answer()), headers=_NAMED)
_BEGUN = Reply(b"".join(answer()[:4]), headers=_NAMED, cut=True, held=True)
_REFUSED = Reply(b'{"error": {"type": "api_error", "message": "broken"}}', status=500)

Chat = Callable[..., tuple[Terminal, ScriptedServer]]


@pytest.fixture
def chat() -> Iterator[Chat]:
    """Starts `sluice chat` in terminals, each with a scripted server."""
    terminals: list[Terminal] = []
    servers: list[ScriptedServer] = []

    def start(*replies: Reply, words: tuple[str, ...] = (), **environment: str) -> tuple[Terminal, ScriptedServer]:
        servers.append(ScriptedServer(*replies, side_by_side=True))
        command = [sys.executable, "-m", "cli", "chat", *words]
        terminals.append(Terminal(command, {"SLUICE_URL": servers[-1].url, **environment}))
        terminals[-1].shows("\n>")
        return terminals[-1], servers[-1]

    yield start
    for terminal in terminals:
        terminal.__exit__()
    for server in servers:
        server.close()


def _messages(server: ScriptedServer, number: int) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = json.loads(server.requests[number].body)["messages"]
    return messages


def _prompted(terminal: Terminal, answers: int = 1) -> None:
    """Wait until so many answers are complete, and the next message may be typed."""
    until(lambda: terminal.text.count("9 out]") == answers and terminal.text.endswith("\n>"), 20.0)


def test_turns_follow_each_other(chat: Chat) -> None:
    """Each call has all that was said; each answer its figures; Ctrl-D leaves."""
    terminal, server = chat(_WHOLE, _WHOLE, words=("--system", "Be brief."))
    terminal.type("Hello?\n")
    _prompted(terminal)
    terminal.type("And a path: //etc\\\nof two lines\n")
    _prompted(terminal, 2)
    terminal.type("\x04")
    assert terminal.exit_code() == 0
    assert [message["content"] for message in _messages(server, 1)] == [
        "Hello?",
        "Hello, you!",
        "And a path: //etc\nof two lines",
    ]
    assert json.loads(server.requests[1].body)["system"] == "Be brief."
    assert terminal.text.count("Hello, you!\n[Time to first token: 0.") == 2


def test_ctrl_c_stops_the_answer_and_not_the_program(chat: Chat) -> None:
    """Its job is cancelled, what came of it stays, and the next message is answered."""
    terminal, server = chat(_BEGUN, Reply(b'{"state": "cancelled"}'), _WHOLE)
    terminal.type("Hello?\n")
    terminal.shows("\nHello,")
    terminal.press_ctrl_c()
    terminal.shows("[stopped; ")
    assert "^C" not in terminal.text
    terminal.type("Go on.\n")
    _prompted(terminal)
    assert server.requests[1].line == f"POST /v1/jobs/{JOB}/cancel"
    assert [message["content"] for message in _messages(server, 2)] == ["Hello?", "Hello, ", "Go on."]
    assert terminal.process.poll() is None


def test_ctrl_c_before_any_text_forgets_the_question(chat: Chat) -> None:
    """A question without an answer would be refused with the next one."""
    terminal, server = chat(Reply(answer()[0], headers=_NAMED, cut=True, held=True), Reply(b"{}"), _WHOLE)
    terminal.type("Hello?\n")
    terminal.shows("waiting")
    terminal.press_ctrl_c()
    terminal.shows("the question is forgotten")
    terminal.type("Again.\n")
    _prompted(terminal)
    assert [message["content"] for message in _messages(server, 2)] == ["Again."]


def test_ctrl_c_at_the_prompt_takes_the_line_away(chat: Chat) -> None:
    """And tells how to leave."""
    terminal, server = chat(_WHOLE)
    terminal.type("Never sent")
    terminal.shows("Never sent")
    terminal.press_ctrl_c()
    terminal.shows("/exit leaves")
    terminal.type("/exit\n")
    assert terminal.exit_code() == 0
    assert server.requests == []


def test_an_error_ends_the_answer_and_not_the_program(chat: Chat) -> None:
    """It is told, and the question is forgotten, as it was never answered."""
    terminal, server = chat(_REFUSED, _WHOLE)
    terminal.type("Hello?\n")
    terminal.shows("sluice: api_error: broken (HTTP 500)")
    terminal.type("Hello again?\n")
    _prompted(terminal)
    assert [message["content"] for message in _messages(server, 1)] == ["Hello again?"]


def test_commands_and_slashes(chat: Chat) -> None:
    """A command is obeyed and not sent; two slashes begin a message with one."""
    terminal, server = chat(_WHOLE)
    terminal.type("/model claude-y\n")
    terminal.shows("The model is claude-y.")
    terminal.type("//etc?\n")
    _prompted(terminal)
    assert json.loads(server.requests[0].body)["model"] == "claude-y"
    assert _messages(server, 0) == [{"role": "user", "content": "/etc?"}]


def test_what_is_typed_during_an_answer_waits_for_the_prompt(chat: Chat) -> None:
    """It does not show up in the middle of the text, and the terminal echoes again afterwards."""
    terminal, _ = chat(_BEGUN, Reply(b"{}"))
    terminal.type("Hello?\n")
    terminal.shows("\nHello,")
    assert not terminal.local_flags & termios.ECHO
    terminal.process.terminate()
    assert terminal.exit_code() == 143
    assert terminal.local_flags & termios.ECHO


@pytest.mark.parametrize(("columns", "rows"), [(40, 10), (120, 30)])
def test_a_resize_in_mid_answer(columns: int, rows: int, chat: Chat) -> None:
    """The finished answer is whole, is there once, and fits."""
    words = " ".join(f"w{number}" for number in range(60))
    begun = Reply(answer()[0] + delta(words[:100], 2), headers=_NAMED, cut=True, held=True)
    rest = Reply(delta(words[100:], 3) + b"".join(answer()[5:]), headers=_NAMED)
    terminal, server = chat(begun, rest)
    terminal.type("Hello?\n")
    terminal.shows(words[:70])
    terminal.resize(columns, rows)
    server.let_go()
    _prompted(terminal)
    shown = terminal.text.partition("Hello?\n")[2].partition("[Time")[0]
    assert shown.split() == words.split()
    assert max(map(len, shown.splitlines())) <= max(columns, 80)


def test_no_color_means_none(chat: Chat) -> None:
    """https://no-color.org; without it there is some."""
    code = Reply(answer()[0] + delta("Use `gate()`.", 2) + b"".join(answer()[5:]), headers=_NAMED)
    coloured, _ = chat(code)
    plain, _ = chat(code, NO_COLOR="1")
    for terminal in (coloured, plain):
        terminal.type("Hello?\n")
        terminal.shows("Use gate().\n[Time")
    assert coloured.screen.colours
    assert plain.screen.colours == set()


def test_a_pipe_is_a_message_a_line() -> None:
    """Answers go to stdout, and nothing but them; the figures to stderr."""
    server = ScriptedServer(_WHOLE, _WHOLE)
    done = CliRunner().invoke(app, ["chat", "--url", server.url], input="Hello?\n\n/model\nAnd?\n")
    server.close()
    assert (done.exit_code, done.stdout) == (0, "Hello, you!\nHello, you!\n")
    assert "The model is" in done.stderr
    assert len(_messages(server, 1)) == 3


def test_a_pipe_that_ends_after_a_backslash_loses_nothing() -> None:
    """What there is of the message is sent."""
    server = ScriptedServer(_WHOLE, _WHOLE)
    done = CliRunner().invoke(app, ["chat", "--url", server.url], input="one\nhello\\\n")
    server.close()
    assert (done.exit_code, done.stdout) == (0, "Hello, you!\nHello, you!\n")
    assert [message["content"] for message in _messages(server, 1)] == ["one", "Hello, you!", "hello"]


def test_ctrl_d_in_a_message_of_several_lines_sends_it(chat: Chat) -> None:
    """The chat goes on after its answer."""
    terminal, server = chat(_WHOLE)
    terminal.type("Hello?\\\n")
    terminal.shows("\n.")
    terminal.type("\x04")
    _prompted(terminal)
    assert _messages(server, 0) == [{"role": "user", "content": "Hello?"}]
    assert terminal.process.poll() is None


def test_a_pipe_ends_with_the_first_error() -> None:
    """Nobody would read of it before the next line is sent."""
    server = ScriptedServer(_REFUSED, _WHOLE)
    done = CliRunner().invoke(app, ["chat", "--url", server.url], input="Hello?\nAnd?\n")
    server.close()
    assert (done.exit_code, done.stdout, len(server.requests)) == (1, "", 1)


def test_an_output_that_is_a_pipe_gets_no_prompts(tmp_path: Path) -> None:
    """A person types, a file is written."""
    server, written = ScriptedServer(_WHOLE), tmp_path / "answers.txt"
    command = f"{sys.executable} -m cli chat --url {server.url} | cat > {written}"
    with Terminal(["bash", "-c", command], {}) as terminal:
        terminal.shows("\n>")
        terminal.type("Hello?\n")
        terminal.shows("9 out]")
        terminal.type("/exit\n")
        assert terminal.exit_code() == 0
    server.close()
    assert written.read_text() == "Hello, you!\n"
