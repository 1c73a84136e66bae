"""How the project speaks: one line a record, on stderr, whoever wrote it.

Invariant: no key, token, prompt or answer leaves through here. Libraries that log what they are given are heard from
WARNING up, whatever the level.
Does not know: what is worth saying.
"""

import contextlib
import copy
import logging
import os
import sys
from typing import TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from telemetry.redaction import redact
from telemetry.tracebacks import add_traceback

# They log arguments (arq), bodies and headers (anthropic, httpcore2), addresses with queries (httpx2, uvicorn.access),
# and what our own start and stop lines say better (uvicorn.error).
QUIET = ("arq", "anthropic", "httpx", "httpx2", "httpcore", "httpcore2", "uvicorn.access", "uvicorn.error")
_ORIGIN = ("timestamp", "level", "room", "pid", "logger")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def configure(room: str, *, level: str | None = None, json: bool | None = None, stream: TextIO | None = None) -> None:
    """Send structlog and the standard library's logging to `stream` (default: stderr), each line naming `room`.

    `level` is one of LEVELS (default: SLUICE_LOG_LEVEL, else INFO); `json` (default: SLUICE_LOG_JSON is 1 or true)
    gives JSON, otherwise SLUICE_LOG_PLAIN=1 gives sentences (for whoever stamps and names the lines himself, as
    `sluice up` does), a terminal readable columns and anything else key=value. Calling it again replaces
    the former set-up. uvicorn must be started with `log_config=None`, or it sets up its own.

    Raises ValueError for an unknown level.
    """
    level = (level or os.environ.get("SLUICE_LOG_LEVEL") or "INFO").upper()
    if level not in LEVELS:
        raise ValueError(f"log level {level!r} is none of {', '.join(LEVELS)}")
    if json is None:
        json = os.environ.get("SLUICE_LOG_JSON", "").lower() in ("1", "true")
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
    )
    _take_over(_handler(room, stream or sys.stderr, json=json), level)


def _take_over(handler: logging.Handler, level: str) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "arq", "redis", "anthropic"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    for name in QUIET:  # else each call of theirs would build a record for the filter to throw away
        logging.getLogger(name).setLevel(logging.WARNING)
    # Without a handler in reach uvicorn does not even build its access lines.
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False
    logging.captureWarnings(True)


class _Handler(logging.StreamHandler[TextIO]):
    """Says only that a record failed; the standard one prints the record as it is, secrets included."""

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_info and not record.name.startswith("sluice"):
            # arq and asyncio write the exception into their sentence, with all that it quotes.
            record = copy.copy(record)
            record.msg, record.args = str(record.msg).partition("\n")[0], ()
        return super().format(record)

    def handleError(self, record: logging.LogRecord) -> None:
        problem = sys.exc_info()[0]
        name = problem.__name__ if problem else "unknown"
        # A stream that is gone has nobody to tell.
        with contextlib.suppress(OSError, ValueError):
            self.stream.write(f"a log record of {record.name} could not be written: {name}\n")


def _handler(room: str, stream: TextIO, *, json: bool) -> logging.Handler:
    handler = _Handler(stream)
    handler.addFilter(_is_wanted)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                _add_origin(room),
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                add_traceback,
                redact,
                _renderer(stream, json=json),
            ]
        )
    )
    return handler


def _is_wanted(record: logging.LogRecord) -> bool:
    # A filter, because a library may raise its own logger's level after us (ANTHROPIC_LOG=debug does).
    return record.levelno >= logging.WARNING or not any(
        record.name == name or record.name.startswith(name + ".") for name in QUIET
    )


def _add_origin(room: str) -> Processor:
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def add(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        record: logging.LogRecord = event["_record"]
        origin = {"level": record.levelname.lower(), "room": room, "pid": record.process, "logger": record.name}
        return {**stamp(logger, method, {}), **origin, **event}

    return add


def _renderer(stream: TextIO, *, json: bool) -> Processor:
    if json:
        return structlog.processors.JSONRenderer()
    if os.environ.get("SLUICE_LOG_PLAIN") == "1":
        return _sentence
    if stream.isatty():
        return structlog.dev.ConsoleRenderer()
    return structlog.processors.LogfmtRenderer(
        key_order=["timestamp", "level", "room", "pid", "event"], bool_as_flag=False
    )


def _sentence(logger: WrappedLogger, method: str, event: EventDict) -> str:
    told = [str(event.pop("event", ""))]
    if event["level"] != "info":
        told.insert(0, f"{event['level']}:")
    told += [f"{name}={value}" for name, value in event.items() if name not in _ORIGIN and name != "exception"]
    return " ".join(told) + (f"\n{event['exception']}" if "exception" in event else "")
