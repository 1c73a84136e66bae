"""Signed tokens that open the stream of one job for a while: a back end submits, and a browser follows without a key.

Invariant: a token opens nothing but the one job that it was made for, until the time that it names; neither can be
changed without the secret. It is compared in constant time, and written nowhere.
Does not know: jobs, HTTP.
"""

import base64
import hashlib
import hmac
import re
import secrets
import time

from gateway.settings import GatewaySettings
from streamlog.keys import Keys
from streamlog.line import Line

_TOKEN = re.compile(r"([1-9][0-9]{0,11})-([A-Za-z0-9_-]{43})")
_LEAST_CHARACTERS = 32


class Tokens:
    """Raises `ValueError` for a secret that is too short to keep one, and nothing of it."""

    def __init__(self, settings: GatewaySettings, line: Line, keys: Keys) -> None:
        self._own = settings.token_secret.encode()
        self._life_s = settings.token_s
        self._line = line
        self._key = keys.token_secret
        if 0 < len(settings.token_secret) < _LEAST_CHARACTERS:
            raise ValueError(f"SLUICE_TOKEN_SECRET: it has fewer than {_LEAST_CHARACTERS} characters")

    async def sign(self, job_id: str) -> str:
        """A token for this job. Raises redis-py's errors when the secret is there and cannot be read in time."""
        if not self._own:  # the first gateway that needs one makes it for all
            await self._line.command("SET", self._key, secrets.token_urlsafe(32), "NX")
        expires = str(int(time.time() + self._life_s))
        return f"{expires}-{_mac(await self._secret(), job_id, expires)}"

    async def opens(self, token: str, job_id: str) -> bool:
        """Whether it was made for this job and has not expired. Raises as `sign`."""
        of = _TOKEN.fullmatch(token)
        if of is None:
            return False
        secret = await self._secret()
        genuine = hmac.compare_digest(_mac(secret, job_id, of[1]), of[2])
        return genuine and bool(secret) and int(of[1]) > time.time()

    async def _secret(self) -> bytes:
        """Read anew each time: a Redis that lost it would else divide the gateways."""
        return self._own or await self._line.command("GET", self._key) or b""


def _mac(secret: bytes, job_id: str, expires: str) -> str:
    digest = hmac.digest(secret, f"{job_id}\n{expires}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
