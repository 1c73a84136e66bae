"""The response headers of Claude's API: request id, organization, rate limits.

Invariant: no two answers share a request id. Does not know why an answer is what it is.
"""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from simulator.http import Headers

_BASE62 = (string.digits + string.ascii_letters).encode()
_BYTE_TO_BASE62 = bytes(_BASE62[byte % len(_BASE62)] for byte in range(256))
_ORGANIZATION_ID = "51a0d1e5-0000-4000-8000-000000000001"
_RATE_LIMITS = {"requests": 4_000, "input-tokens": 400_000, "output-tokens": 80_000, "tokens": 480_000}


def new_id(prefix: str) -> str:
    """An id as Claude's API makes them: `<prefix>_01` and 22 random letters and digits."""
    return f"{prefix}_01{secrets.token_bytes(22).translate(_BYTE_TO_BASE62).decode()}"


def date_header(now: datetime | None = None) -> tuple[str, str]:
    """The header that every server sends."""
    return ("date", format_datetime(now or datetime.now(UTC), usegmt=True))


def api_headers(request_id: str, *, exhausted: bool = False) -> Headers:
    """What every answer carries; `exhausted` leaves nothing of the rate limits, as with a 429."""
    now = datetime.now(UTC)
    return (
        date_header(now),
        ("request-id", request_id),
        ("anthropic-organization-id", _ORGANIZATION_ID),
        *_rate_limit_headers(now, exhausted),
    )


def _rate_limit_headers(now: datetime, exhausted: bool) -> Headers:
    """RFC 3339 times in whole seconds and UTC, as the API's page "Rate limits" says."""
    reset = (now + timedelta(seconds=60 if exhausted else 1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    headers: list[tuple[str, str]] = []
    for what, limit in _RATE_LIMITS.items():
        name = f"anthropic-ratelimit-{what}"
        remaining = 0 if exhausted else limit - limit // 100
        headers += [(f"{name}-limit", str(limit)), (f"{name}-remaining", str(remaining))]
        headers.append((f"{name}-reset", reset))
    return tuple(headers)
