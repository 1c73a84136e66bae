"""By what a repeated call is known again, so that it joins the job it began instead of being paid for twice.

Invariant: two calls have the same fingerprint only if the same owner asks the same of the same place: path, query,
`anthropic-*` headers, body bytes, and whether the job lives for its listeners. Nothing of them can be read from it.
Does not know: which jobs exist (the submit script looks).
"""

import asyncio
import hashlib

import msgspec
from starlette.datastructures import Headers

from streamlog.errors import ClientError
from streamlog.jobs import Request, Sameness

_IN_A_THREAD_BYTES = 256 * 1024
_MOST_KEY_CHARACTERS = 255


async def sameness(headers: Headers, owner: str, request: Request, *, attached: bool) -> Sameness:
    """Fingerprint, `Idempotency-Key` as a digest, and whether Anthropic's SDKs call this a retry.

    Raises `ClientError` for a key that is empty or longer than 255 characters.
    """
    told = [owner, attached, request.method, request.path, sorted(request.headers.items())]
    begun = hashlib.sha256(msgspec.json.encode(told))
    if len(request.body) > _IN_A_THREAD_BYTES:  # the digest lets other threads run
        await asyncio.to_thread(begun.update, request.body)
    else:
        begun.update(request.body)
    return Sameness(begun.hexdigest(), _idempotency(headers, owner), _is_retry(headers))


def _idempotency(headers: Headers, owner: str) -> str:
    key = headers.get("idempotency-key")
    if key is None:
        return ""
    if not 0 < len(key) <= _MOST_KEY_CHARACTERS:
        raise ClientError("invalid_request", f"Idempotency-Key has {len(key)} characters, it may have 1 to 255.")
    return hashlib.sha256(msgspec.json.encode([owner, key])).hexdigest()


def _is_retry(headers: Headers) -> bool:
    """The SDKs count their retries from 1 on; what is no number is none."""
    count = headers.get("x-stainless-retry-count", "")
    return count.isascii() and count.isdigit() and count.strip("0") != ""
