"""The assistants that answer under a name of their own, from a file: what they are told, what they may spend.

    [assistants.hr]                  # GET /hr/ask?question=…
    title = "HR assistant"
    system = "You answer questions about …"
    model = "claude-sonnet-5-5"
    max_tokens = 1024
    clients = ["web", "intranet"]    # of the clients file; left out: whoever may call

Invariant: a name is the first part of an address, and no other route has it. To whoever may not use an assistant there
is none.
Does not know: HTTP, conversations, when the file is read again (`watched_file` does).
"""

import logging
import re
import tomllib
from collections.abc import Mapping
from typing import Annotated

import msgspec

from gateway.clients import Client
from gateway.settings import GatewaySettings
from gateway.watched_file import WatchedFile
from streamlog.errors import ClientError

# The first part of every address that is not an assistant's, and what pages and proxies like to have there.
_OURS = ("v1", "api", "chat", "ask", "page", "docs", "docs-assets", "openapi.json", "healthz", "readyz", "metrics")
_USUAL = ("v2", "assets", "static", "favicon.ico", "robots.txt", "admin", "login", "redoc", "simulator")
RESERVED = frozenset((*_OURS, *_USUAL))
_SETTING = "SLUICE_ASSISTANTS_FILE"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_log = logging.getLogger("sluice.gateway")

_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Assistant(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One assistant. `title` is what people see; `clients` None is for everybody."""

    system: Annotated[str, msgspec.Meta(min_length=1, max_length=1 << 20)]
    model: _Line
    max_tokens: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
    title: Annotated[str, msgspec.Meta(max_length=256)] = ""
    clients: list[_Line] | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    assistants: Annotated[dict[str, Assistant], msgspec.Meta(max_length=1000)] = msgspec.field(default_factory=dict)


def read(text: str) -> dict[str, Assistant]:
    """Assistants by name. Raises `ValueError` with a sentence that says where and what."""
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ValueError(str(error)) from None
    for name in file.assistants:
        if not _NAME.fullmatch(name):
            raise ValueError(f"the assistant name {name!r} is not 1 to 64 characters of a-z 0-9 _ -")
        if name in RESERVED:
            raise ValueError(f"an assistant cannot be called {name!r}: /{name} is an address of the gateway's own")
    return file.assistants


class Assistants:
    """The assistants that are known. Raises `ValueError` when there is a file that will not do."""

    def __init__(self, settings: GatewaySettings, clients: set[str]) -> None:
        """`clients` are those that the clients file names."""
        path = settings.assistants_file
        self._file = WatchedFile[Mapping[str, Assistant]](_SETTING, path, read) if path else None
        for name, assistant in self._known().items():
            unknown = set(assistant.clients or ()) - clients
            if unknown:
                why = f"assistants.{name}.clients: SLUICE_CLIENTS_FILE has no {sorted(unknown)[0]!r}"
                raise ValueError(f"{_SETTING}: {path}: {why}")

    def of(self, client: Client) -> dict[str, Assistant]:
        """Those that this client may use."""
        return {
            name: assistant
            for name, assistant in self._known().items()
            if assistant.clients is None or client.name in assistant.clients
        }

    def named(self, name: str, client: Client) -> Assistant:
        """Raises `ClientError` `assistant_not_found`, the same for one that is unknown and one that is not his."""
        assistant = self.of(client).get(name)
        if assistant is None:
            raise ClientError("assistant_not_found")
        return assistant

    async def watch_for_ever(self) -> None:
        """Take over each change of the file. One that will not do is told, and changes nothing."""
        if self._file is not None:
            await self._file.watch_for_ever(self._taken_over, _refused)

    def _known(self) -> Mapping[str, Assistant]:
        return self._file.value if self._file else {}

    def _taken_over(self) -> None:
        _log.info("%d assistants taken over", len(self._known()))


def _refused(error: ValueError) -> None:
    _log.error("the assistants file is not taken over: %s", error)
