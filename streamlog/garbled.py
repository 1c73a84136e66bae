"""What somebody else has written where ours should stand, as whoever reads it is told.

Invariant: keys of a wrong type, bytes that are no text, no JSON or no position end the reading with one named error,
and nothing that Redis holds is ever more than data: JSON is decoded into plain types, and nothing is unpickled.
Does not know: what was being read. What concerns many jobs at once is mended by `scripts/mending.lua`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from redis.exceptions import ResponseError

from streamlog.errors import InternalError

_GARBLED = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, msgspec.MsgspecError)


@contextmanager
def lost_if_garbled() -> Iterator[None]:
    """Whatever cannot be read within the block is `InternalError` `stream_lost`; other errors of Redis stay."""
    try:
        yield
    except ResponseError as error:
        if not is_wrong_type(error):
            raise
        raise InternalError("stream_lost") from error
    except _GARBLED as error:
        raise InternalError("stream_lost") from error


def is_wrong_type(error: ResponseError) -> bool:
    """Whether a key holds something else than what a command, or a script, can work with."""
    told = str(error)
    return any(word in told for word in ("WRONGTYPE", "is not an integer", "not a valid float", "attempt to "))
