"""An exception as text that tells where it happened, and of what it was about only what cannot be anybody's words.

Errors like to quote what they choked on: a number that is none, a key that is missing, the body of an upstream's
refusal. So a message is shown only for types whose messages are made of names and places.
Invariant: of every other exception the type alone is told, in the whole chain of causes; lines of code are.
Does not know: where the text goes.
"""

import sys
import traceback
from collections.abc import Iterator

from structlog.types import EventDict, WrappedLogger

_TELL_NO_VALUES = (
    *(AttributeError, TypeError, NameError, ImportError, AssertionError, RuntimeError, OSError, TimeoutError),
    *(MemoryError, StopIteration, StopAsyncIteration, GeneratorExit, KeyboardInterrupt),
)
_MOST_CAUSES = 8


def add_traceback(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: `exc_info` becomes `exception`."""
    raised = event.pop("exc_info", None)
    if raised is True:  # as structlog's own loggers say it
        raised = sys.exc_info()
    if isinstance(raised, tuple):
        raised = raised[1]
    if isinstance(raised, BaseException):
        event["exception"] = text_of(raised)
    return event


def text_of(error: BaseException) -> str:
    """The exception with its causes, the first cause first, as Python itself would write them."""
    return "\n".join(_told(error, _MOST_CAUSES))


def _told(error: BaseException, causes: int) -> Iterator[str]:
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if earlier is not None and causes:
        yield from _told(earlier, causes - 1)
        yield "which led to:"
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):"
        yield from (line.rstrip("\n") for line in traceback.format_tb(error.__traceback__))
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    yield f"{name}: {error}" if isinstance(error, _TELL_NO_VALUES) and type(error).__module__ == "builtins" else name
    if isinstance(error, BaseExceptionGroup) and causes:
        for number, inner in enumerate(error.exceptions[:_MOST_CAUSES], 1):
            yield f"the group's number {number}:"
            yield from _told(inner, causes - 1)
