"""Inputs that fit schemas as tools have them."""

from typing import Any

import pytest

from simulator.tool_input import fitting_input


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "volcanoes"),
        ({"type": "string", "maxLength": 4}, "volc"),
        ({"type": "string", "format": "date"}, "2026-01-15"),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 7}, 7),
        ({"type": "integer", "default": 3, "minimum": 1}, 3),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "number", "maximum": -1}, -1),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["string", "null"]}, "volcanoes"),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        ({"type": "array"}, ["volcanoes"]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"$ref": "#/$defs/unit"}, "celsius"),
        ({"$ref": "#/$defs/missing"}, "volcanoes"),
        ({"properties": {"deep": {"type": "boolean"}}}, {"deep": True}),
        (True, "volcanoes"),
    ],
)
def test_a_value_fits_its_schema(schema: Any, value: Any) -> None:
    """Each kind of schema gets a value that it allows."""
    root = {"type": "object", "properties": {"field": schema}, "$defs": {"unit": {"enum": ["celsius"]}}}
    assert fitting_input(root, "Tell me about volcanoes") == {"field": value}


def test_a_schema_that_holds_itself() -> None:
    """A schema that refers to itself ends."""
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    made = fitting_input(schema, "Why?")
    assert "next" in made["next"]


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "string"}])
def test_without_properties_the_input_is_empty(schema: dict[str, Any]) -> None:
    """A tool's input is an object, whatever its schema is."""
    assert fitting_input(schema, "Why?") == {}
