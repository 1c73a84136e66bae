"""One line a record, whoever wrote it."""

import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from telemetry.logs import configure

pytestmark = pytest.mark.usefixtures("logging_restored")


class Output(io.StringIO):
    """A stream that can be a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def lines(self) -> list[str]:
        """What was written, split where any reader might see a new line."""
        return self.getvalue().splitlines()


@pytest.fixture
def output() -> Output:
    """Where logs go; no terminal."""
    return Output(terminal=False)


@pytest.fixture
def terminal() -> Output:
    """Where logs go; a terminal."""
    return Output(terminal=True)


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """Puts back what `configure` changes for the whole process."""
    names = [None, "uvicorn", "uvicorn.error", "uvicorn.access", "arq", "redis", "anthropic"]
    loggers = [logging.getLogger(name) for name in names]
    before: list[dict[str, Any]] = [
        {"handlers": logger.handlers[:], "level": logger.level, "propagate": logger.propagate} for logger in loggers
    ]
    yield
    logging.captureWarnings(False)
    structlog.reset_defaults()
    for logger, state in zip(loggers, before, strict=True):
        logger.handlers[:] = state["handlers"]
        logger.setLevel(state["level"])
        logger.propagate = state["propagate"]


def test_a_record_is_one_line_of_keys_and_values(output: Output) -> None:
    """Without a terminal a record is key=value, with time, level, room and process in front."""
    configure("gateway", level="INFO", json=False, stream=output)
    structlog.get_logger("gateway.relay").info("client left", job="job_1", after_s=1.5)
    (line,) = output.lines()
    assert line.startswith("timestamp=2")
    assert f' level=info room=gateway pid={os.getpid()} event="client left" ' in line
    assert "logger=gateway.relay" in line
    assert line.endswith("job=job_1 after_s=1.5")


def test_json_is_one_object_a_line(output: Output) -> None:
    """With json=True a record is a JSON object with the same names."""
    configure("worker", level="INFO", json=True, stream=output)
    structlog.get_logger("worker").warning("lease lost", job="job_1")
    record = json.loads(output.getvalue())
    assert record.items() >= {"level": "warning", "room": "worker", "event": "lease lost", "job": "job_1"}.items()


def test_the_environment_decides_what_the_caller_leaves_open(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """SLUICE_LOG_JSON and SLUICE_LOG_LEVEL are the defaults."""
    monkeypatch.setenv("SLUICE_LOG_JSON", "1")
    monkeypatch.setenv("SLUICE_LOG_LEVEL", "warning")
    configure("worker", stream=output)
    logging.getLogger("worker").info("unheard")
    logging.getLogger("worker").warning("heard")
    assert json.loads(output.getvalue())["event"] == "heard"


def test_a_terminal_gets_readable_columns(terminal: Output) -> None:
    """On a terminal a record is columns for people, not key=value."""
    configure("gateway", level="INFO", json=False, stream=terminal)
    structlog.get_logger().info("ready", port=8000)
    (line,) = terminal.lines()
    assert "event=" not in line
    assert "ready" in line
    assert "8000" in line


@pytest.mark.parametrize("name", ["uvicorn.error", "redis", "sluice.telemetry", "asyncio"])
def test_the_standard_librarys_records_come_the_same_way(name: str, output: Output) -> None:
    """What libraries log looks like our own records."""
    configure("gateway", level="INFO", json=False, stream=output)
    logging.getLogger(name).warning("%s is slow", "it")
    (line,) = output.lines()
    assert f'level=warning room=gateway pid={os.getpid()} event="it is slow" logger={name}' in line


def test_warnings_are_records_too(output: Output) -> None:
    """A Python warning is one line."""
    configure("gateway", level="INFO", json=False, stream=output)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old news", DeprecationWarning, stacklevel=1)
    (line,) = output.lines()
    assert "DeprecationWarning: old news" in line
    assert "room=gateway" in line


@pytest.mark.parametrize("name", ["arq.worker", "anthropic._base_client", "httpx2", "httpcore2.http11"])
def test_libraries_that_log_what_they_are_given_are_heard_from_warning_up(name: str, output: Output) -> None:
    """Even at DEBUG, and even if the library lowers its own level, INFO and DEBUG of these are dropped."""
    configure("worker", level="DEBUG", json=False, stream=output)
    logger = logging.getLogger(name)
    logger.setLevel(logging.DEBUG)
    logger.debug("Request options: %s", {"json_data": "a prompt"})
    logger.info("arguments")
    logger.warning("trouble")
    logger.setLevel(logging.NOTSET)
    (line,) = output.lines()
    assert "event=trouble" in line


def test_uvicorns_access_log_is_off(output: Output) -> None:
    """It prints query strings; without a handler in reach uvicorn does not build the line at all."""
    logging.getLogger("uvicorn.access").addHandler(logging.StreamHandler(output))
    configure("gateway", level="DEBUG", json=False, stream=output)
    access = logging.getLogger("uvicorn.access")
    access.info("GET /ask?question=secret")
    assert (output.getvalue(), access.hasHandlers()) == ("", False)


def test_records_below_the_level_are_not_written(output: Output) -> None:
    """The level holds for both ways of logging."""
    configure("worker", level="WARNING", json=False, stream=output)
    structlog.get_logger().info("no")
    logging.getLogger("worker").info("no")
    structlog.get_logger().error("yes")
    assert len(output.lines()) == 1


def test_an_unknown_level_is_refused() -> None:
    """A typing mistake in the level is told at once, with what would be right."""
    with pytest.raises(ValueError, match="'LOUD' is none of DEBUG, INFO"):
        configure("worker", level="loud", json=False)


def test_configuring_again_replaces_the_former_setup(output: Output) -> None:
    """A record is written once, however often the process was configured."""
    configure("worker", level="INFO", json=False, stream=output)
    configure("worker", level="INFO", json=False, stream=output)
    logging.getLogger("worker").info("once")
    assert len(output.lines()) == 1


def _fail_with_a_secret() -> None:
    prompt = "a very private prompt"
    raise RuntimeError(f"refused sk-ant-api03-abc\nafter {len(prompt)}")


@pytest.mark.parametrize("json_lines", [True, False])
def test_an_exception_is_one_line_and_masked(json_lines: bool, output: Output) -> None:
    """A traceback stays within its record, and keys in it are masked."""
    configure("worker", level="INFO", json=json_lines, stream=output)
    try:
        _fail_with_a_secret()
    except RuntimeError:
        structlog.get_logger().exception("call failed")
        logging.getLogger("worker").exception("call failed")
    assert len(output.lines()) == 2
    assert all("RuntimeError: refused sk-ant-***" in line for line in output.lines())


def test_a_traceback_on_a_terminal_shows_no_local_variables(terminal: Output) -> None:
    """Prompts and keys live in local variables; people still get the lines of the traceback."""
    configure("worker", level="INFO", json=False, stream=terminal)
    try:
        _fail_with_a_secret()
    except RuntimeError:
        structlog.get_logger().exception("call failed")
    assert "\nRuntimeError: refused sk-ant-***\n" in terminal.getvalue()
    assert "very private" not in terminal.getvalue()


def test_secrets_are_gone_from_every_renderer(output: Output) -> None:
    """The look at each record is part of the chain."""
    for json_lines in (True, False):
        configure("gateway", level="INFO", json=json_lines, stream=output)
        structlog.get_logger().info("x sk-ant-1", authorization="hush", body=b"hush")
        logging.getLogger("redis").warning("redis://u:hush@host")
    assert len(output.lines()) == 4
    assert "hush" not in output.getvalue()
    assert "sk-ant-1" not in output.getvalue()


def test_context_is_added_to_each_record(output: Output) -> None:
    """What is bound for a task is in the records of that task."""
    configure("worker", level="INFO", json=False, stream=output)
    with structlog.contextvars.bound_contextvars(job="job_1"):
        structlog.get_logger().info("claimed")
    assert output.lines()[0].endswith("job=job_1")


def test_a_record_that_fails_is_told_without_its_content(output: Output) -> None:
    """A broken record is one line that names its logger and nothing that it held."""
    configure("worker", level="INFO", json=False, stream=output)
    logging.getLogger("worker").info("%d hush", "not a number")
    (line,) = output.lines()
    assert "a log record of worker could not be written" in line
    assert "hush" not in line


def test_a_stream_that_is_gone_is_no_ones_error(output: Output) -> None:
    """Logging to a closed stream raises nothing into the caller."""
    configure("worker", level="INFO", json=False, stream=output)
    output.close()
    structlog.get_logger().info("nobody hears")


def test_plain_lines_are_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """With SLUICE_LOG_PLAIN=1 a line is what happened, its level only when it matters, and its fields."""
    monkeypatch.setenv("SLUICE_LOG_PLAIN", "1")
    stream = io.StringIO()
    configure("worker", level="INFO", stream=stream)
    logging.getLogger("sluice.worker").info("worker ready")
    logging.getLogger("sluice.worker").warning("leases not renewed")
    assert stream.getvalue() == "worker ready\nwarning: leases not renewed\n"
