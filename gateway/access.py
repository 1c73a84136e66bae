"""Who is asking.

Invariant: keys are compared as digests in constant time, and an owner is a digest or a client's name, so no key reaches
Redis or a log.
Does not know: what the owner may do (its `Client` says so).
"""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Mapping

from gateway.clients import Client, ClientsFile, hashed
from gateway.settings import GatewaySettings
from streamlog.errors import ClientError
from telemetry import announce, facts

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Addresses, and names that nobody can register on the internet.
_OWN_HOST = re.compile(
    r"([0-9.]+|\[[0-9a-f:.]+\]|[a-z0-9_-]+|[a-z0-9._-]+\.(localhost|local|internal))(:[0-9]+)?", re.IGNORECASE
)
_log = logging.getLogger("sluice.gateway")


class Access:
    """The clients that are known. Without keys and without a file every key will do and names its owner, and so does
    having none. Raises `ValueError` when there is a file that will not do."""

    def __init__(self, settings: GatewaySettings) -> None:
        keys = [key.strip() for key in settings.api_keys.split(",")]
        self._of_settings = {hashed(key): Client(_owner(key)) for key in keys if key}
        self._file = ClientsFile(settings.clients_file) if settings.clients_file else None
        self._blind = secrets.token_bytes(32)
        self._only_loopback = settings.host in _LOOPBACK and not settings.allow_anonymous
        self._use()

    def client(self, headers: Mapping[str, str]) -> Client:
        """Whom `x-api-key` or `Authorization: Bearer` names. Raises `ClientError` unauthorized.

        Where no key is wanted, a page of another site could spend in the name of whoever looks at it. `ClientError`
        cross_site is raised where its browser says so (https://www.w3.org/TR/fetch-metadata/; over plain HTTP to other
        hosts, where browsers leave that out, by an `Origin` that is not the `Host`), and, by a gateway that listens on
        loopback, for a `Host` of the internet: a page can give its own name the address of its visitor's machine.
        """
        key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ").strip()
        if self._known is None:
            self._refuse_cross_site(headers)
            return Client(_owner(key) if key else "anonymous")
        client = self._known.get(self._blinded(hashed(key))) if key else None
        if client is None:
            raise ClientError("unauthorized", "invalid x-api-key" if key else None)
        return client

    def _refuse_cross_site(self, headers: Mapping[str, str]) -> None:
        host, site = headers.get("host", ""), headers.get("sec-fetch-site")
        if site is None:
            foreign = headers.get("origin", "").partition("//")[2] not in ("", host)
        else:
            foreign = site == "cross-site"
        if foreign or (self._only_loopback and host and not _OWN_HOST.fullmatch(host)):
            raise ClientError("cross_site")

    async def watch_for_ever(self) -> None:
        """Take over each change of the file. One that will not do is told, and changes nothing."""
        if self._file is not None:
            await self._file.watch_for_ever(self._take_over, _refused)

    def _take_over(self) -> None:
        self._use()
        announce(facts.ClientsRead("taken_over"))
        _log.info("%d clients taken over", len(self.names()))

    def names(self) -> set[str]:
        """The clients of the file, by name."""
        return {client.name for client in self._file.by_hash.values()} if self._file else set()

    def _use(self) -> None:
        of_file = self._file.by_hash if self._file else {}
        known = {**of_file, **self._of_settings}
        anybody = not known and self._file is None
        self._known = None if anybody else {self._blinded(key): client for key, client in known.items()}

    def _blinded(self, hash_: str) -> bytes:
        """What is looked up depends on a secret of this process, so the time that a look takes tells nothing about any
        key, however many there are: a comparison with all of them would cost each request 0.2 µs a client."""
        return hmac.digest(self._blind, hash_.encode(), "sha256")


def may_listen(settings: GatewaySettings) -> bool:
    """Whether the address is safe to listen on: loopback, or keys are configured, or anonymity is asked for."""
    keys = settings.api_keys.strip(", ") or settings.clients_file
    return settings.host in _LOOPBACK or bool(keys) or settings.allow_anonymous


def _refused(error: ValueError) -> None:
    announce(facts.ClientsRead("refused"))
    _log.error("the clients file is not taken over: %s", error)


def _owner(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
