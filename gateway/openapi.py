"""What the OpenAPI document says where the code cannot: bodies that pass through as bytes, and the error shape.

Does not know: routes.
"""

from typing import Any

from streamlog.errors import STATUS_BY_TYPE

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
                    "model": {"type": "string", "examples": ["claude-sonnet-4-5"]},
                    "max_tokens": {"type": "integer", "examples": [1024]},
                    "messages": {"type": "array", "items": {"type": "object"}},
                    "stream": {"type": ["boolean", "null"], "examples": [True]},
                },
            },
            "example": {
                "model": "claude-sonnet-4-5",
                "max_tokens": 1024,
                "stream": True,
                "messages": [{"role": "user", "content": "Why is the sky blue?"}],
            },
        }
    },
}
