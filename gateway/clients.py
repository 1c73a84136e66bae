"""The clients that may call, from a file: their keys as hashes, their limits, how long their answers are kept.

    [defaults]                       # for every client that says nothing else
    requests_a_minute = 600          # 0, or left out: without limit

    [clients.web]
    keys = ["sha256:…"]              # several while a key is changed; `sluice key` makes them
    tokens_a_minute = 200000
    streams_at_once = 50
    keep_attached_s = 60
    keep_detached_s = 3600

Invariant: no key can be read from what is kept.
Does not know: HTTP, who is asking (`access` does), when the file is read again (`watched_file` does).
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from gateway.watched_file import WatchedFile
from streamlog.jobs import Quota

_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_OF_FILE = "client:"

_Limit = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
_Seconds = Annotated[float, msgspec.Meta(ge=1, le=2_592_000)]


class _Own(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a client, or the defaults, may say."""

    requests_a_minute: _Limit | None = None
    tokens_a_minute: _Limit | None = None
    streams_at_once: _Limit | None = None
    keep_attached_s: _Seconds | None = None
    keep_detached_s: _Seconds | None = None
    keep_conversations_s: _Seconds | None = None


class _Client(_Own, kw_only=True):
    keys: Annotated[list[str], msgspec.Meta(min_length=1, max_length=16)]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    defaults: _Own = msgspec.field(default_factory=_Own)
    clients: Annotated[dict[str, _Client], msgspec.Meta(max_length=10_000)] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Client:
    """Someone who may call. `owner` names whose jobs they are; `keep_…` None leaves it to the settings."""

    owner: str
    quota: Quota = field(default_factory=Quota)
    keep_attached_s: float | None = None
    keep_detached_s: float | None = None
    keep_conversations_s: float | None = None

    @property
    def name(self) -> str:
        """As the file has it; "" for whoever is known by a key alone."""
        return self.owner.removeprefix(_OF_FILE) if self.owner.startswith(_OF_FILE) else ""


def hashed(key: str) -> str:
    """A key as the file has it. Plain SHA-256 is enough for keys of 256 random bits: there is nothing to guess."""
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def check_name(name: str) -> None:
    """Raises `ValueError` for what cannot be a client's name."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"the client name {name!r} is not 1 to 64 characters of A-Z a-z 0-9 . _ -")


def read(text: str) -> dict[str, Client]:
    """Clients by the hash of each of their keys. Raises `ValueError` with a sentence that says where and what."""
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(str(error)) from None
    found: dict[str, Client] = {}
    for name, client in file.clients.items():
        check_name(name)
        for number, key in enumerate(client.keys):
            if not _HASH.fullmatch(key):
                raise ValueError(f"clients.{name}.keys[{number}] is no hash: `sluice key` makes a key and its hash")
            if key in found:
                raise ValueError(f"clients.{name}.keys[{number}] is {found[key].owner}'s key, too")
            found[key] = _client(name, client, file.defaults)
    return found


def _client(name: str, own: _Own, defaults: _Own) -> Client:
    said: Mapping[str, int | float | None] = {
        limit: getattr(defaults, limit) if getattr(own, limit) is None else getattr(own, limit)
        for limit in _Own.__struct_fields__
    }
    quota = Quota(**{limit: int(said[limit] or 0) for limit in Quota.__dataclass_fields__})
    keep = ("keep_attached_s", "keep_detached_s", "keep_conversations_s")
    return Client(_OF_FILE + name, quota, *(said[name] for name in keep))


class ClientsFile(WatchedFile[dict[str, Client]]):
    """The file as it was last read well."""

    def __init__(self, path: str) -> None:
        """Raises `ValueError` when the file will not do."""
        super().__init__("SLUICE_CLIENTS_FILE", path, read)

    @property
    def by_hash(self) -> dict[str, Client]:
        """Clients by the hash of each of their keys."""
        return self.value
