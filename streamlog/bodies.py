"""Storing and fetching a request body so that a large one hurts nobody.

Valkey with an append-only file answers nobody for 130 ms when one SET brings 32 MB, and for 6 ms when a portion of it
comes; behind the answer to one GET of 32 MB all other answers of a line wait for 60 ms (measured). Between portions
other calls have their turn.
Invariant: a body is stored whole or the job is not submitted, and fetched whole or not at all; what is left of it
expires.
Does not know: what is in it.
"""

import asyncio
import io
from typing import Any

from streamlog.errors import InternalError
from streamlog.line import Line

PORTION_BYTES = 256 * 1024


async def store(line: Line, key: str, body: bytes, life_ms: int) -> asyncio.Future[Any]:
    """A small body leaves in one write with whatever the caller calls next, and the future is its answer; a large one
    is stored when this returns. Raises `InternalError` `request_lost`, and redis-py's errors."""
    stored = line.command("SET", key, body[:PORTION_BYTES], "PX", life_ms)
    for at in range(PORTION_BYTES, len(body), PORTION_BYTES):
        await stored
        # An APPEND must not be repeated, and one to a key that Redis has lost would begin another.
        stored = line.command("APPEND", key, body[at : at + PORTION_BYTES], once=True)
        size, _ = await asyncio.gather(stored, line.command("PEXPIRE", key, life_ms))
        if size != min(at + PORTION_BYTES, len(body)):
            raise InternalError("request_lost")
    return stored


async def fetch(line: Line, key: str) -> bytes | None:
    """The body; None if there is none (any more). Raises redis-py's errors."""
    size: int = await line.command("STRLEN", key)
    if size <= PORTION_BYTES:
        small: bytes | None = await line.command("GET", key)
        return small
    body = io.BytesIO()  # grows in place, and gives its bytes away uncopied
    while body.tell() < size:
        portion: bytes = await line.command("GETRANGE", key, body.tell(), body.tell() + PORTION_BYTES - 1)
        if not portion:
            return None
        body.write(portion)
    return body.getvalue()
