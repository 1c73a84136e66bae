"""Who is asking.

Invariant: keys are compared as digests in constant time, and an owner is a digest, so no key reaches Redis or a log.
Does not know: what the owner may do.
"""

import hashlib
import hmac
from collections.abc import Mapping

from gateway.settings import GatewaySettings
from streamlog.errors import ClientError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Access:
    """The configured keys. Without any, every key will do and names its owner, and so does having none."""

    def __init__(self, settings: GatewaySettings) -> None:
        keys = [key.strip() for key in settings.api_keys.split(",")]
        self._digests = [_digest(key) for key in keys if key]

    def owner(self, headers: Mapping[str, str]) -> str:
        """The owner that `x-api-key` or `Authorization: Bearer` names. Raises `ClientError` unauthorized."""
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ").strip()
        digest = _digest(key)
        if self._digests and not sum(hmac.compare_digest(digest, known) for known in self._digests):
            raise ClientError("unauthorized", "invalid x-api-key" if key else None)
        return digest if key else "anonymous"


def may_listen(settings: GatewaySettings) -> bool:
    """Whether the address is safe to listen on: loopback, or keys are configured, or anonymity is asked for."""
    return settings.host in _LOOPBACK or bool(settings.api_keys.strip(", ")) or settings.allow_anonymous


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
