"""The Lua scripts, each with what it uses of the shared prelude: key names, texts of named endings, functions.

Redis makes every value of a script's text anew at each call, so what a script does not use would cost it time: of the
21 µs of an append the whole prelude took 4 (measured).
Invariant: a script's text depends on the key prefix alone, so all processes of a deployment share its SHA.
Does not know: what calls them with which arguments (`log`, `claims`, `writer`, `presence` do).
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from streamlog.errors import CODES, error_body
from streamlog.keys import Keys

NAMES = (
    "submit", "claim", "renew", "sweep", "append", "appends", "conclude", "note", "end", "release", "watch", "leave",
    "read", "list", "remove", "mend", "converse", "say", "settle", "conversations", "forget", "rouse",
)  # fmt: skip

# Where `say` goes on in the text of `submit`, and where that stands in its own.
_NOTHING_REFUSED = "-- Nothing is refused behind this line.\n"
_SUBMIT = "-- Here stands `submit`, and at the end of its refusals:\n"
_DEFINED = re.compile(r"^local (?:function )?(\w+)", re.MULTILINE)
_WORD = re.compile(r"\w+")

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
        parts = [part for name in ("common", "mending") for part in _text(name).split("\n\n")]
        prelude = [_Part(part) for part in (*keys.lua().splitlines(), _told(), *parts)]
        self._scripts = {name: _script(name, _linked(prelude, _whole(name))) for name in NAMES}

    def __getitem__(self, name: str) -> Script:
        return self._scripts[name]

    def texts(self) -> list[str]:
        """All full texts, for SCRIPT LOAD."""
        return [script.text for script in self._scripts.values()]


class _Part:
    """Some lines of the prelude: what they define, and every word in them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.defines = frozenset(_DEFINED.findall(text))
        self.words = frozenset(_WORD.findall(text))


def _linked(prelude: Sequence[_Part], text: str) -> str:
    """The text behind those parts of the prelude that it uses. A part uses only what stands before it."""
    used, texts = set(_WORD.findall(text)), [text]
    for part in reversed(prelude):
        if not used.isdisjoint(part.defines):
            used |= part.words
            texts.append(part.text)
    return "\n".join(reversed(texts))


def _script(name: str, text: str) -> Script:
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def _whole(name: str) -> str:
    """A message of a conversation is a submit with conditions of its own, in one script: no gateway can die between."""
    text = _text(name)
    if name != "say":
        return text
    before, _, at_the_end = text.partition(_SUBMIT)
    return before + _text("submit").replace(_NOTHING_REFUSED, at_the_end)


@cache
def _text(name: str) -> str:
    return files(__name__).joinpath(f"{name}.lua").read_text()


@cache
def _told() -> str:
    """The body of each named ending as a Lua table, open where the request id goes."""
    rows = []
    for code, told in CODES.items():
        body = error_body(told.error_type, told.message, code, "").decode()
        rows.append(f"  {code} = [==[{body.removesuffix(chr(34) + '}')}]==],\n")
    return "local TOLD = {\n" + "".join(rows) + "}\n"
