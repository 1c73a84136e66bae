import json
from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from cli.main import app
from tests.cli.events import JOB, answer, event
from tests.cli.scripted_server import Reply, ScriptedServer

_VIEW = Reply(json.dumps({"state": "done", "timings": {"first_content_ms": 1310.0, "total_ms": 2500.4}}).encode())
_WHOLE = Reply(b"".join(answer()), headers={"sluice-job-id": JOB})
_UNKNOWN = Reply(b'{"error": {"type": "not_found_error", "message": "No such job."}}', 404)
_DRAINING = Reply(b'{"error": {"type": "api_error", "message": "draining"}}', 503)

Run = Callable[..., tuple[Result, ScriptedServer]]


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a command against a scripted server."""
    started: list[ScriptedServer] = []

    def start(words: list[str], *replies: Reply) -> tuple[Result, ScriptedServer]:
        started.append(ScriptedServer(*replies))
        return CliRunner().invoke(app, words, env={"SLUICE_URL": started[-1].url, "SLUICE_API_KEY": "k"}), started[-1]

    yield start
    for server in started:
        server.close()


def test_a_job_is_followed_from_its_start(run: Run) -> None:
    """Its figures are those of its record, not of this listener."""
    done, server = run(["follow", JOB], _WHOLE, _VIEW)
    assert (done.exit_code, done.stdout) == (0, "Hello, you!\n")
    assert done.stderr == "[Time to first token: 1.31s | Total: 2.5s | Tokens: 12 in, 9 out]\n"
    assert [request.line for request in server.requests] == [f"GET /v1/jobs/{JOB}/events", f"GET /v1/jobs/{JOB}"]
    assert "last-event-id" not in server.requests[0].headers
    assert server.requests[0].headers["x-api-key"] == "k"


def test_an_event_id_goes_on_after_it(run: Run) -> None:
    """As it is printed when a stream was given up."""
    done, server = run(["follow", f"{JOB}:7-3"], Reply(b"".join(answer()[4:]), headers={"sluice-job-id": JOB}), _VIEW)
    assert (done.exit_code, done.stdout) == (0, "you!\n")
    assert server.requests[0].headers["last-event-id"] == f"{JOB}:7-3"


def test_a_cut_is_resumed(run: Run) -> None:
    """From the last position that came."""
    events = answer()
    first = Reply(b"".join(events[:4]), headers={"sluice-job-id": JOB}, cut=True)
    done, server = run(["follow", JOB], first, Reply(b"".join(events[4:])), _VIEW)
    assert (done.exit_code, done.stdout) == (0, "Hello, you!\n")
    assert server.requests[1].headers["last-event-id"] == f"{JOB}:7-3"


@pytest.mark.parametrize("code", ["draining", "redis_unavailable"])
def test_what_a_gateway_says_of_itself_ends_nothing(code: str, run: Run) -> None:
    """The job goes on, and so does the answer."""
    events = answer()
    gone = event("error", error={"type": "api_error", "message": "x", "details": {"error_code": code}})
    first = Reply(b"".join(events[:4]) + gone, headers={"sluice-job-id": JOB})
    done, _ = run(["follow", JOB], first, Reply(b"".join(events[4:])), _VIEW)
    assert (done.exit_code, done.stdout) == (0, "Hello, you!\n")
    assert f"({code})" in done.stderr


def test_json_has_the_times_of_the_job(run: Run) -> None:
    """One object."""
    done, _ = run(["follow", JOB, "--json"], _WHOLE, _VIEW)
    told = json.loads(done.stdout)
    assert (told["text"], told["first_token_s"], told["total_s"]) == ("Hello, you!", 1.31, 2.5004)


@pytest.mark.parametrize(
    ("replies", "why"),
    [((_DRAINING,), "api_error: draining (HTTP 503)"), ((Reply(b"[]"),), "does not speak like"), ((), "cannot reach")],
)
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_complete_answer_without_figures_is_complete(
    replies: tuple[Reply, ...], why: str, words: tuple[str, ...], run: Run
) -> None:
    """Why there are none is said; it is no error of the answer."""
    done, _ = run(["follow", JOB, *words], _WHOLE, *replies)
    assert done.exit_code == 0
    assert done.stderr.startswith("sluice: no figures: ")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    if words:
        told = json.loads(done.stdout)
        assert (told["complete"], told["error"], told["total_s"]) == (True, None, None)
    assert "Hello, you!" in done.stdout


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (_UNKNOWN, "No such job."),
        (Reply(status=204), "nothing more"),
    ],
)
def test_what_cannot_be_followed_is_exit_code_1(reply: Reply, why: str, run: Run) -> None:
    """And said."""
    done, _ = run(["follow", JOB], reply)
    assert (done.exit_code, done.stdout) == (1, "")
    assert why in done.stderr


def test_no_name_is_wrong_usage(run: Run) -> None:
    """Nothing is sent."""
    done, server = run(["follow", ""])
    assert (done.exit_code, server.requests) == (2, [])


def test_jobs_are_cancelled_one_after_the_other(run: Run) -> None:
    """What became of each is printed."""
    done, server = run(["cancel", "job_a", "job_b"], Reply(b'{"state": "cancelled"}'), Reply(b'{"state": "done"}'))
    assert (done.exit_code, done.stdout) == (0, "job_a cancelled\njob_b done\n")
    assert [request.line for request in server.requests] == [
        "POST /v1/jobs/job_a/cancel",
        "POST /v1/jobs/job_b/cancel",
    ]


def test_a_stranger_s_job_is_exit_code_1(run: Run) -> None:
    """The server's own words."""
    done, _ = run(["cancel", "x/../y"], _UNKNOWN)
    assert (done.exit_code, done.stderr) == (1, "sluice: not_found_error: No such job. (HTTP 404)\n")


@pytest.mark.parametrize("command", [["follow", JOB], ["cancel", JOB]])
def test_a_server_that_is_not_there_is_exit_code_3(command: list[str]) -> None:
    """One line."""
    done = CliRunner().invoke(app, [*command, "--url", "http://127.0.0.1:1"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith("sluice: cannot reach http://127.0.0.1:1: ")
