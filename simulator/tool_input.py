"""An input that fits a tool's JSON schema, with the prompt's words where a text is wanted.

Invariant: always the same for the same schema and prompt. It knows the keywords that tools use (type, properties,
enum, const, default, examples, items, anyOf, $ref, bounds, string formats), not the whole of JSON Schema.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulator.prose import Writer

Json = dict[str, Any]

_MAX_DEPTH = 8
_FORMATS = {
    "date": "2026-01-15",
    "date-time": "2026-01-15T09:30:00Z",
    "time": "09:30:00",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "51a0d1e5-0000-4000-8000-000000000002",
}


def fitting_input(schema: Json, prompt: str) -> Json:
    """An object for this `input_schema`; empty if the schema names no property."""
    made = _Maker(schema, " ".join(Writer(prompt).topics[:3])).value(schema, depth=0)
    return made if isinstance(made, dict) else {}


class _Maker:
    def __init__(self, root: Json, words: str) -> None:
        self._root = root
        self._words = words

    def value(self, schema: Any, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            return None
        if not isinstance(schema, dict):  # JSON Schema's `true`: anything goes
            return self._words
        for keyword in ("const", "default"):
            if keyword in schema:
                return schema[keyword]
        for keyword in ("enum", "examples"):
            if schema.get(keyword):
                return schema[keyword][0]
        inner = self._inner(schema)
        if inner is not None:
            return self.value(inner, depth + 1)
        return self._typed(schema, depth)

    def _inner(self, schema: Json) -> Json | None:
        """The schema that stands behind a reference or a choice."""
        if "$ref" in schema:
            return self._resolved(str(schema["$ref"]))
        for keyword in ("anyOf", "oneOf", "allOf"):
            if schema.get(keyword):
                inner: Json = schema[keyword][0]
                return inner
        return None

    def _resolved(self, reference: str) -> Json:
        found: Any = self._root
        for step in filter(None, reference.removeprefix("#").split("/")):
            found = found.get(step, {}) if isinstance(found, dict) else {}
        return found if isinstance(found, dict) else {}

    def _typed(self, schema: Json, depth: int) -> Any:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        name = str(kind[0] if isinstance(kind, list) else kind)
        makers: dict[str, Callable[[Json, int], Any]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "integer": self._number,
            "number": self._number,
            "boolean": lambda schema, depth: True,
        }
        return makers[name](schema, depth) if name in makers else None

    def _object(self, schema: Json, depth: int) -> Json:
        properties = schema.get("properties") or {}
        return {name: self.value(inner, depth + 1) for name, inner in properties.items()}

    def _array(self, schema: Json, depth: int) -> list[Any]:
        count = max(1, int(schema.get("minItems", 1)))
        return [self.value(schema.get("items") or {}, depth + 1)] * min(count, 10)

    def _string(self, schema: Json, depth: int) -> str:
        text = str(_FORMATS.get(str(schema.get("format")), self._words))
        return text[: int(schema.get("maxLength", len(text)))]

    def _number(self, schema: Json, depth: int) -> Any:
        return schema.get("minimum", schema.get("maximum", 1))
