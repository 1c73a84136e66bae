"""The content blocks of an answer: how each opens, which deltas fill it, how it looks whole.

Invariant: the deltas of a block add up to its whole form, so a stream and a plain answer say the same. One
piece is one token and one delta. Shapes: the types `RawContentBlockStartEvent`, `RawContentBlockDelta` and
`ContentBlock` of Claude's API. Does not know events, indexes or limits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

Json = dict[str, Any]
Pieces = tuple[str, ...]

_PIECE = re.compile(r"\s*\S{1,7}|\s+\Z")
_JSON_PIECE_CHARS = 8


def pieces_of(text: str) -> Pieces:
    """Split a text as a tokenizer would, roughly: words with the space before them, long words in parts."""
    return tuple(_PIECE.findall(text))


@dataclass(frozen=True, slots=True)
class Text:
    """A text; `citations` follow its last piece."""

    pieces: Pieces
    citations: tuple[Json, ...] = ()

    def opening(self) -> Json:
        return {"type": "text", "text": "", **({"citations": []} if self.citations else {})}

    def deltas(self) -> list[Json]:
        texts = [{"type": "text_delta", "text": piece} for piece in self.pieces]
        return texts + [{"type": "citations_delta", "citation": citation} for citation in self.citations]

    def whole(self) -> Json:
        cited = {"citations": list(self.citations)} if self.citations else {}
        return {"type": "text", "text": "".join(self.pieces), **cited}

    def first(self, count: int) -> Text:
        return self if count >= len(self.pieces) else Text(self.pieces[:count])


@dataclass(frozen=True, slots=True)
class Thinking:
    """Thinking with its signature; what is cut short has none, what is not `shown` has only that."""

    pieces: Pieces
    signature: str
    shown: bool = True

    def opening(self) -> Json:
        return {"type": "thinking", "thinking": "", "signature": ""}

    def deltas(self) -> list[Json]:
        shown = self.pieces if self.shown else ()
        thoughts = [{"type": "thinking_delta", "thinking": piece} for piece in shown]
        signatures = [{"type": "signature_delta", "signature": self.signature}] if self.signature else []
        return thoughts + signatures

    def whole(self) -> Json:
        text = "".join(self.pieces) if self.shown else ""
        return {"type": "thinking", "thinking": text, "signature": self.signature}

    def first(self, count: int) -> Thinking:
        if count >= len(self.pieces):
            return self
        return replace(self, pieces=self.pieces[:count], signature="")


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool call whose input travels as JSON in parts. Cut short, its whole form has an empty input, as half
    a JSON text is no input."""

    id: str
    name: str
    pieces: Pieces
    kind: Literal["tool_use", "server_tool_use"] = "tool_use"
    complete: bool = True

    def opening(self) -> Json:
        return {"type": self.kind, "id": self.id, "name": self.name, "input": {}}

    def deltas(self) -> list[Json]:
        return [{"type": "input_json_delta", "partial_json": piece} for piece in self.pieces]

    def whole(self) -> Json:
        given = msgspec.json.decode("".join(self.pieces)) if self.complete else {}
        return {**self.opening(), "input": given}

    def first(self, count: int) -> ToolUse:
        if count >= len(self.pieces):
            return self
        return replace(self, pieces=self.pieces[:count], complete=False)


@dataclass(frozen=True, slots=True)
class Whole:
    """A block that arrives in one event: a search result, redacted thinking."""

    block: Json
    pieces: Pieces = ()

    def opening(self) -> Json:
        return self.block

    def deltas(self) -> list[Json]:
        return []

    def whole(self) -> Json:
        return self.block

    def first(self, count: int) -> Whole:
        return self


Block = Text | Thinking | ToolUse | Whole


def json_pieces(value: Json) -> Pieces:
    """The JSON text of a tool's input in parts; Claude sends an empty one first."""
    text = msgspec.json.encode(value).decode()
    parts = [text[at : at + _JSON_PIECE_CHARS] for at in range(0, len(text), _JSON_PIECE_CHARS)]
    return ("", *parts)
