import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.cli.events import JOB, answer, delta, event
from tests.cli.scripted_server import Reply, ScriptedServer
from tests.cli.terminal import Terminal

Ask = Callable[..., Result]
_WHOLE = Reply(b"".join(answer()), headers={"sluice-job-id": JOB})


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "cli", "ask", *words]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Answers one call."""
    made = ScriptedServer(_WHOLE)
    yield made
    made.close()


@pytest.fixture
def ask(server: ScriptedServer) -> Ask:
    """Runs `sluice ask` to its end, on pipes."""

    def run(*words: str, piped: bytes = b"", **environment: str) -> Result:
        return CliRunner().invoke(app, ["ask", *words], input=piped, env={"SLUICE_URL": server.url, **environment})

    return run


def _sent(server: ScriptedServer) -> dict[str, object]:
    body = json.loads(server.requests[0].body)
    assert isinstance(body, dict)
    return body


def test_the_answer_goes_to_stdout_and_the_rest_to_stderr(ask: Ask) -> None:
    """A pipe gets pure text, and exit code 0 means complete."""
    done = ask("Hello?")
    assert (done.exit_code, done.stdout) == (0, "Hello, you!\n")
    assert done.stderr.startswith("[Time to first token: 0.")
    assert done.stderr.endswith("s | Tokens: 12 in, 9 out]\n")


def test_options_reach_the_server(ask: Ask, server: ScriptedServer) -> None:
    """As a Messages body, with the key of the environment."""
    ask("Hello?", "--model", "m", "--system", "Be brief.", "--max-tokens", "7", SLUICE_API_KEY="secret")
    message = {"role": "user", "content": "Hello?"}
    assert _sent(server) == {
        "model": "m",
        "max_tokens": 7,
        "stream": True,
        "messages": [message],
        "system": "Be brief.",
    }
    assert server.requests[0].headers["x-api-key"] == "secret"


@pytest.mark.parametrize("words", [(), ("-",)])
def test_a_question_can_be_piped_in(words: tuple[str, ...], ask: Ask, server: ScriptedServer) -> None:
    """By `-`, or by nothing at all."""
    ask(*words, piped=b"What is this?\n")
    assert _sent(server)["messages"] == [{"role": "user", "content": "What is this?\n"}]
    assert "system" not in _sent(server)


@pytest.mark.parametrize(
    ("words", "piped"), [((), b""), (("  ",), b""), (("x", "--max-tokens", "0"), b""), (("x", "--url", "nope"), b"")]
)
def test_wrong_usage_is_exit_code_2(words: tuple[str, ...], piped: bytes, ask: Ask, server: ScriptedServer) -> None:
    """Nothing is sent."""
    done = ask(*words, piped=piped)
    assert (done.exit_code, done.stdout, server.requests) == (2, "", [])
    assert "Usage:" in done.stderr


def test_what_is_no_text_is_wrong_usage(ask: Ask) -> None:
    """Bytes that are no UTF-8 are told, not guessed at."""
    done = ask("-", piped=b"\xff\xfe")
    assert done.exit_code == 2
    assert "no UTF-8 text" in done.stderr


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b'{"error": {"type": "api_error", "message": "broken"}}', status=500),
        Reply(answer()[0] + event("error", 2, error={"type": "api_error", "message": "broken"})),
    ],
)
def test_an_error_is_exit_code_1(reply: Reply, ask: Ask) -> None:
    """Instead of the answer or in it: its message on stderr."""
    refusing = ScriptedServer(reply)
    done = ask("Hello?", SLUICE_URL=refusing.url)
    refusing.close()
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("sluice: api_error: broken")


def test_a_server_that_is_not_there_is_exit_code_3(ask: Ask) -> None:
    """One line, no traceback."""
    done = ask("Hello?", "--url", "http://127.0.0.1:1")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("sluice: cannot reach http://127.0.0.1:1: ")
    assert done.stderr.count("\n") == 1


def test_ctrl_c_is_exit_code_130() -> None:
    """Without a traceback; what came before stays."""
    waiting = ScriptedServer(Reply(b"".join(answer()[:4]), cut=True, held=True))
    asking = subprocess.Popen(
        _command("Hello?", "--url", waiting.url),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert asking.stdout is not None
    assert asking.stdout.read(7) == b"Hello, "
    asking.send_signal(signal.SIGINT)
    _, said = asking.communicate(timeout=10)
    waiting.close()
    assert (asking.returncode, said) == (130, b"")


def test_ctrl_c_cancels_the_job() -> None:
    """Its answer has no other reader."""
    begun = Reply(b"".join(answer()[:4]), headers={"sluice-job-id": JOB}, cut=True, held=True)
    waiting = ScriptedServer(begun, Reply(b"{}"), side_by_side=True)
    with Terminal(_command("Hello?"), {"SLUICE_URL": waiting.url}) as terminal:
        terminal.shows("Hello,")
        terminal.press_ctrl_c()
        assert terminal.exit_code() == 130
    assert waiting.requests[1].line == f"POST /v1/jobs/{JOB}/cancel"
    waiting.close()


def test_json_is_one_object_at_the_end(ask: Ask) -> None:
    """For programs: text, figures, and what to follow."""
    done = ask("Hello?", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, done.stderr) == (0, "")
    assert 0 < told.pop("first_token_s") <= told.pop("total_s")
    assert told == {
        "job": JOB,
        "last_event_id": f"{JOB}:7-7",
        "model": "claude-x",
        "text": "Hello, you!",
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "cache_read_input_tokens": 7, "output_tokens": 9},
        "complete": True,
        "error": None,
    }


def test_json_tells_an_error_too(ask: Ask) -> None:
    """What came before it, and the exit code, as without."""
    events = [*answer()[:4], event("error", 4, error={"type": "api_error", "message": "broken"})]
    refusing = ScriptedServer(Reply(b"".join(events), headers={"sluice-job-id": JOB}))
    done = ask("Hello?", "--json", SLUICE_URL=refusing.url)
    refusing.close()
    told = json.loads(done.stdout)
    assert (done.exit_code, told["text"], told["complete"]) == (1, "Hello, ", False)
    assert told["error"] == "api_error: broken"
    assert done.stderr == "sluice: api_error: broken\n"


def test_files_go_with_the_question(ask: Ask, server: ScriptedServer, tmp_path: Path) -> None:
    """Before it, each as what its first bytes say; the pipe may be one of them."""
    (tmp_path / "a.txt").write_text("gate")
    (tmp_path / "b.dat").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    done = ask("Why?", "-f", str(tmp_path / "a.txt"), "-f", str(tmp_path / "b.dat"), "-f", "-", piped=b"%PDF-1")
    assert done.exit_code == 0, done.stderr
    (message,) = cast(list[dict[str, list[dict[str, object]]]], _sent(server)["messages"])
    text, image, pdf, question = message["content"]
    assert text == {
        "type": "document",
        "source": {"type": "text", "media_type": "text/plain", "data": "gate"},
        "title": "a.txt",
    }
    assert (image["type"], cast(dict[str, str], image["source"])["media_type"]) == ("image", "image/png")
    assert pdf == {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"},
    }
    assert question == {"type": "text", "text": "Why?"}


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("Why?", "-f", "there-is-none"), "there-is-none: No such file"),
        (("Why?", "-f", sys.executable), "is neither image, PDF nor UTF-8 text"),
        (("-f", "-"), "the pipe is a file already"),
    ],
)
def test_a_file_that_cannot_be_sent_is_wrong_usage(
    words: tuple[str, ...], why: str, ask: Ask, server: ScriptedServer
) -> None:
    """Nothing is sent."""
    done = ask(*words, piped=b"text")
    assert (done.exit_code, server.requests) == (2, [])
    assert why in " ".join(done.stderr.split())


def test_a_broken_connection_is_said_and_resumed(ask: Ask) -> None:
    """Once on stderr; the text is whole, and once."""
    events = answer()
    breaking = ScriptedServer(
        Reply(b"".join(events[:4]), headers={"sluice-job-id": JOB}, cut=True), Reply(b"".join(events[4:]))
    )
    done = ask("Hello?", SLUICE_URL=breaking.url)
    breaking.close()
    assert (done.exit_code, done.stdout) == (0, "Hello, you!\n")
    assert done.stderr.startswith("sluice: connection lost (")
    assert "resuming: try 1 of 10\n[Time" in done.stderr


def test_a_terminal_gets_text_and_summary_together(server: ScriptedServer) -> None:
    """As a person sees it."""
    with Terminal(_command("Hello?"), {"SLUICE_URL": server.url}) as terminal:
        assert terminal.exit_code() == 0
    assert terminal.text.startswith("Hello, you!\n[Time to first token: 0.")


@pytest.mark.parametrize(("words", "shown"), [((), "Hello bold"), (("--raw",), "Hello **bold**")])
def test_a_terminal_shows_markdown_unless_raw(words: tuple[str, ...], shown: str) -> None:
    """Raw is what the model wrote."""
    bold = ScriptedServer(Reply(answer()[0] + delta("Hello **bold**", 2) + b"".join(answer()[5:])))
    with Terminal(_command("Hello?", *words), {"SLUICE_URL": bold.url}) as terminal:
        assert terminal.exit_code() == 0
    bold.close()
    assert terminal.text.startswith(shown + "\n[Time")


def test_a_terminal_without_a_question_is_wrong_usage(server: ScriptedServer) -> None:
    """It does not wait for somebody to type an end of file."""
    ours, its = pty.openpty()
    done = subprocess.run(_command(), stdin=its, capture_output=True, timeout=20, check=False)
    os.close(its)
    os.close(ours)
    assert done.returncode == 2
    assert b"give a question" in done.stderr
