"""What is piped in beside a question: real pipes, files and sockets."""

import json
import os
import pty
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import piped
from cli.piped import piped_in
from tests.cli.events import answer
from tests.cli.scripted_server import Reply, ScriptedServer

_WHOLE = Reply(b"".join(answer()))
_LIMIT_S = 30.0


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Answers two calls."""
    made = ScriptedServer(_WHOLE, _WHOLE)
    yield made
    made.close()


def _environment(server: ScriptedServer, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "log").write_text("it broke\n")
    return {**os.environ, "SLUICE_URL": server.url, "LOG": str(tmp_path / "log")}


def _contents(server: ScriptedServer) -> list[Any]:
    return [json.loads(request.body)["messages"][0]["content"] for request in server.requests]


def _document(text: str, title: str = "stdin") -> dict[str, Any]:
    source = {"type": "text", "media_type": "text/plain", "data": text}
    return {"type": "document", "source": source, "title": title}


_WHY = {"type": "text", "text": "Why?"}


@pytest.mark.parametrize(
    ("line", "content"),
    [
        ('cat "$LOG" | {ask} Why?', [_document("it broke\n"), _WHY]),
        ('{ask} Why? < "$LOG"', [_document("it broke\n"), _WHY]),
        ('cat "$LOG" | {ask} Why? --file -', [_document("it broke\n"), _WHY]),
        (
            'cat "$LOG" | {ask} Why? --file "$LOG"',
            [_document("it broke\n", "log"), _document("it broke\n"), _WHY],
        ),
        ('cat "$LOG" | {ask} -', "it broke\n"),
        ("printf '\\n' | {ask} Why?", "Why?"),
        ("{ask} Why? < /dev/null", "Why?"),
        ("{ask} Why? <&-", "Why?"),
    ],
)
def test_a_shell_s_pipe_goes_with_the_question(
    line: str, content: object, server: ScriptedServer, tmp_path: Path
) -> None:
    """As a file does, after the files; without any text there is none."""
    command = line.format(ask=f"{shlex.quote(sys.executable)} -m cli ask")
    done = subprocess.run(
        ["bash", "-c", command], env=_environment(server, tmp_path), capture_output=True, timeout=_LIMIT_S, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"Hello, you!\n"), done.stderr
    assert _contents(server) == [content]


def test_a_loop_over_a_file_keeps_its_lines(server: ScriptedServer, tmp_path: Path) -> None:
    """Each is a question of its own, and none goes with another."""
    (tmp_path / "questions").write_text("One?\nTwo?\n")
    loop = f'while read -r line; do {shlex.quote(sys.executable)} -m cli ask "$line"; done < {tmp_path}/questions'
    subprocess.run(["bash", "-c", loop], env=_environment(server, tmp_path), timeout=_LIMIT_S, check=True)
    assert _contents(server) == ["One?", "Two?"]


def test_a_pipe_that_nobody_writes_to_holds_nothing_back(server: ScriptedServer, tmp_path: Path) -> None:
    """As a program leaves it open; that it was waited for is said."""
    asking = subprocess.Popen(
        [sys.executable, "-m", "cli", "ask", "Why?"],
        env=_environment(server, tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert asking.stdin and asking.stdout and asking.stderr
    with asking, asking.stdin:
        assert asking.wait(_LIMIT_S) == 0
        assert asking.stdout.read() == b"Hello, you!\n"
        assert b"sluice: the pipe brought nothing in 3 s: asking without it" in asking.stderr.read()
    assert _contents(server) == ["Why?"]


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Puts a descriptor in the place of stdin; a pipe is waited for shortly."""
    opened: list[Any] = []

    def put(number: int) -> None:
        opened.append(os.fdopen(number))
        monkeypatch.setattr(sys, "stdin", opened[-1])

    monkeypatch.setattr(piped, "FIRST_BYTE_S", 0.05)
    yield put
    for one in opened:
        one.close()


def test_a_pipe_is_read_once_it_has_something_or_ends(
    stdin: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before, there is nothing to be had."""
    ours, its = os.pipe()
    stdin(ours)
    assert not piped_in()
    assert "brought nothing" in capsys.readouterr().err
    os.write(its, b"x")
    assert piped_in()
    assert os.read(ours, 10) == b"x"
    assert not piped_in()
    os.close(its)
    capsys.readouterr()
    assert piped_in()
    assert capsys.readouterr().err == ""


def test_a_socket_and_a_terminal_are_not_read(stdin: Callable[[int], None], capsys: pytest.CaptureFixture[str]) -> None:
    """ssh and other programs leave one open; nothing is said about it, either."""
    one, other = socket.socketpair()
    other.send(b"x")
    stdin(one.detach())
    assert not piped_in()
    other.close()
    keys, terminal = pty.openpty()
    os.write(keys, b"x\n")
    stdin(terminal)
    assert not piped_in()
    os.close(keys)
    assert capsys.readouterr().err == ""
