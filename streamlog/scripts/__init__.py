"""The Lua scripts, loaded with the key names and the texts of named endings before them.

Invariant: a script's text depends on the key prefix alone, so all processes of a deployment share its SHA.
Does not know: what calls them with which arguments (`log`, `claims`, `writer`, `presence` do).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from streamlog.errors import CODES, error_body
from streamlog.keys import Keys

NAMES = ("submit", "claim", "renew", "sweep", "append", "note", "end", "release", "watch", "leave", "read")

Argument = str | bytes | int


@dataclass(frozen=True, slots=True)
class Script:
    """One script's full text and its SHA1, by which Redis knows it."""

    name: str
    text: str
    sha: str

    def command(self, args: Sequence[Argument]) -> tuple[str | bytes | int, ...]:
        """The EVALSHA command; a Redis that does not know the script answers NOSCRIPT."""
        return ("EVALSHA", self.sha, 0, *args)


class Scripts:
    """All scripts of one deployment, as attributes by name: `scripts["append"]`."""

    def __init__(self, keys: Keys) -> None:
        prelude = keys.lua() + _told() + _text("common")
        self._scripts = {name: _script(name, prelude) for name in NAMES}

    def __getitem__(self, name: str) -> Script:
        return self._scripts[name]

    def texts(self) -> list[str]:
        """All full texts, for SCRIPT LOAD."""
        return [script.text for script in self._scripts.values()]


def _script(name: str, prelude: str) -> Script:
    text = prelude + _text(name)
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def _text(name: str) -> str:
    return files(__name__).joinpath(f"{name}.lua").read_text()


def _told() -> str:
    """The body of each named ending as a Lua table, open where the request id goes."""
    rows = []
    for code, told in CODES.items():
        body = error_body(told.error_type, told.message, code, "").decode()
        rows.append(f"  {code} = [==[{body.removesuffix(chr(34) + '}')}]==],\n")
    return "local TOLD = {\n" + "".join(rows) + "}\n"
