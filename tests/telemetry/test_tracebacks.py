"""telemetry/tracebacks.py: where it happened, and nobody's words."""

import json
import logging
from collections.abc import Callable

import pytest

from telemetry.logs import configure
from telemetry.tracebacks import text_of
from tests.telemetry.test_logs import Output, logging_restored

__all__ = ["logging_restored"]  # a fixture

WORDS = "what-a-client-said"


def _raised(act: Callable[[], object]) -> BaseException:
    with pytest.raises(BaseException) as raised:
        act()
    return raised.value


def _int() -> None:
    int(WORDS)


def _key() -> None:
    raise KeyError(WORDS)


def _chained() -> None:
    try:
        _int()
    except ValueError as error:
        raise LookupError(WORDS) from error


def _own() -> None:
    class QuotingError(OSError):
        pass

    raise QuotingError(WORDS)


def _group() -> None:
    raise BaseExceptionGroup(WORDS, [ValueError(WORDS), _raised(_chained)])


@pytest.mark.parametrize("act", [_int, _key, _chained, _own, _group])
def test_what_an_error_quotes_is_not_told(act: Callable[[], None]) -> None:
    """Its type is, with those of its causes, and the lines of code."""
    text = text_of(_raised(act))
    assert WORDS not in text
    assert f"in {act.__name__}" in text
    assert "Error" in text or "ExceptionGroup" in text


def test_messages_of_names_and_places_are_told() -> None:
    """Without them a defect could hardly be found."""
    assert "ConnectionRefusedError: [Errno 111] refused" in text_of(ConnectionRefusedError(111, "refused"))
    assert "AttributeError: 'NoneType' object has no attribute 'x'" in text_of(_raised(lambda: getattr(None, "x")))  # noqa: B009


def test_causes_come_first() -> None:
    """As Python writes them."""
    text = text_of(_raised(_chained))
    assert text.index("ValueError") < text.index("which led to:") < text.index("LookupError")


def test_a_chain_has_an_end() -> None:
    """A long one is cut, and one that closes on itself ends."""
    error = ValueError()
    error.__cause__ = LookupError()
    error.__cause__.__cause__ = error
    assert text_of(error).count("which led to:") == 8


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize("name", ["arq.worker", "asyncio", "uvicorn.error"])
def test_a_librarys_sentence_does_not_quote_the_error_either(name: str) -> None:
    """arq and asyncio write the error into their own text."""
    output = Output(terminal=False)
    configure("worker", level="DEBUG", json=True, stream=output)
    try:
        _int()
    except ValueError as error:
        logging.getLogger(name).exception("%s failed: %s", "job", error)
        logging.getLogger(name).error(f"never retrieved\nfuture: {error!r}", exc_info=error)
    first, second = (json.loads(line) for line in output.lines())
    assert (first["event"], second["event"]) == ("%s failed: %s", "never retrieved")
    assert WORDS not in output.getvalue()
    assert "in _int" in first["exception"]
