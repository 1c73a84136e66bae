"""What the OpenAPI document says where the code cannot: bodies that pass through as bytes, and the error shape.

Does not know: routes.
"""

from typing import Any

from streamlog.errors import STATUS_BY_TYPE

_MODEL = "claude-sonnet-5-5"
_ASKED = [{"role": "user", "content": "Why is the sky blue?"}]

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "error", "request_id"],
    "properties": {
        "type": {"const": "error"},
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {
                "type": {"type": "string", "examples": sorted(STATUS_BY_TYPE)},
                "message": {"type": "string"},
                "details": {"type": "object", "properties": {"error_code": {"type": "string"}}},
            },
        },
        "request_id": {"type": "string"},
    },
}

_ERROR: dict[str, Any] = {
    "description": "An error, in Anthropic's shape.",
    "content": {"application/json": {"schema": ERROR_SCHEMA}},
}
ERRORS: dict[int | str, dict[str, Any]] = {"4XX": _ERROR, "5XX": _ERROR}

MESSAGES_BODY: dict[str, Any] = {
    "required": True,
    "description": "As Anthropic documents it. What is not named here travels on unchanged.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["model", "max_tokens", "messages"],
                "additionalProperties": True,
                "properties": {
                    "model": {"type": "string", "examples": [_MODEL]},
                    "max_tokens": {"type": "integer", "examples": [1024]},
                    "messages": {"type": "array", "items": {"type": "object"}},
                    "stream": {"type": ["boolean", "null"], "examples": [True]},
                },
            },
            "example": {
                "model": _MODEL,
                "max_tokens": 1024,
                "stream": True,
                "messages": _ASKED,
            },
        }
    },
}

COUNT_BODY: dict[str, Any] = {
    "required": True,
    "description": "As Anthropic documents it. What is not named here travels on unchanged.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["model", "messages"],
                "additionalProperties": True,
                "properties": {
                    "model": {"type": "string", "examples": [_MODEL]},
                    "messages": {"type": "array", "items": {"type": "object"}},
                },
            },
            "example": {"model": _MODEL, "messages": _ASKED},
        }
    },
}

PAGE_PARAMETERS: list[dict[str, Any]] = [
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
    {"name": "after_id", "in": "query", "schema": {"type": "string"}},
    {"name": "before_id", "in": "query", "schema": {"type": "string"}},
]

MODEL_PARAMETERS: list[dict[str, Any]] = [
    {"name": "model_id", "in": "path", "required": True, "schema": {"type": "string"}, "example": _MODEL},
]
