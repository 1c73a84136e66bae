"""The JSON that travels through the gateway, as JSON schemas for the OpenAPI document.

Invariant: what the gateway passes on unchanged is described only as far as Anthropic promises it, and may always hold
more. `tests/openapi` asks a running gateway whether the rest is what it answers.
Does not know: routes, statuses, headers.
"""

from typing import Any

from streamlog.errors import STATUS_BY_TYPE
from streamlog.lifecycle import State

Json = dict[str, Any]

MODEL_NAME = "claude-sonnet-5-5"
_ASKED = [{"role": "user", "content": "Why is the sky blue?"}]

TEXT: Json = {"type": "string"}
JOB_ID: Json = {"type": "string", "pattern": "^job_[A-Za-z0-9_-]{22}$"}
_YES_OR_NO: Json = {"type": "boolean"}
_COUNT: Json = {"type": "integer", "minimum": 0}


def _object(properties: Json) -> Json:
    """All of these are always there."""
    return {"type": "object", "required": list(properties), "properties": properties}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


ERROR_SCHEMA: Json = {
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

_MODEL_FIELD = TEXT | {"minLength": 1, "maxLength": 256, "examples": [MODEL_NAME]}
_BLOCKS: Json = {"type": "array", "items": _object({"type": TEXT})}
_TURN = _object({"role": {"enum": ["user", "assistant", "system"]}, "content": {"anyOf": [TEXT, _BLOCKS]}})
_TURNS: Json = {"type": "array", "minItems": 1, "items": _TURN}
_MOST_TOKENS: Json = {"type": "integer", "minimum": 1, "examples": [1024]}


def _body(required: Json, example: Json, optional: Json | None = None) -> Json:
    schema = _object(required) | {"properties": required | (optional or {}), "additionalProperties": True}
    return {
        "required": True,
        "description": "As Anthropic documents it. What is not named here travels on unchanged.",
        "content": {"application/json": {"schema": schema, "example": example}},
    }


MESSAGES_BODY = _body(
    {"model": _MODEL_FIELD, "max_tokens": _MOST_TOKENS, "messages": _TURNS},
    {"model": MODEL_NAME, "max_tokens": 1024, "stream": True, "messages": _ASKED},
    {"stream": {"type": ["boolean", "null"], "examples": [True]}},
)
COUNT_BODY = _body({"model": _MODEL_FIELD, "messages": _TURNS}, {"model": MODEL_NAME, "messages": _ASKED})

MESSAGE = _object(
    {
        "id": TEXT,
        "type": {"const": "message"},
        "role": {"const": "assistant"},
        "model": TEXT,
        "content": _BLOCKS,
        "stop_reason": _or_null(TEXT),
        "stop_sequence": _or_null(TEXT),
        "usage": _object({"input_tokens": _COUNT, "output_tokens": _COUNT}),
    }
)
COUNTED = _object({"input_tokens": _COUNT})
MODEL = _object({"id": TEXT, "type": {"const": "model"}, "display_name": TEXT, "created_at": TEXT})
MODELS = _object(
    {
        "data": {"type": "array", "items": MODEL},
        "has_more": _YES_OR_NO,
        "first_id": _or_null(TEXT),
        "last_id": _or_null(TEXT),
    }
)
EVENT: Json = {
    "type": "object",
    "description": "One of Anthropic's events, with an id; `ping` events have none. The last one is `message_stop`, or "
    "`error`, whose data is an error body.",
    "required": ["event", "data"],
    "properties": {
        "id": TEXT | {"pattern": "^job_[A-Za-z0-9_-]{22}:[0-9]+-[0-9]+$"},
        "event": TEXT,
        "data": TEXT | {"contentMediaType": "application/json"},
    },
}

_SUBMITTED: Json = {
    "id": JOB_ID,
    "type": {"const": "job"},
    "state": {"enum": [str(state) for state in State]},
    "stream": _YES_OR_NO,
    "events_url": TEXT,
}
SUBMITTED = _object(_SUBMITTED)
_TIME: Json = {"type": "string", "format": "date-time"}
_MS = _or_null({"type": "number", "minimum": 0})
_LISTED: Json = _SUBMITTED | {
    "model": TEXT,
    "attached": _YES_OR_NO,
    "last_event_id": _or_null(TEXT),
    "created_at": _TIME,
    "started_at": _or_null(_TIME),
    "first_content_at": _or_null(_TIME),
    "ended_at": _or_null(_TIME),
    "timings": _object({"queue_wait_ms": _MS, "first_content_ms": _MS, "total_ms": _MS}),
    "usage": _or_null({"type": "object"}),
    "error_code": _or_null(TEXT),
}
_OF_RECORD: Json = _SUBMITTED | {
    "model": TEXT,
    "attached": _YES_OR_NO,
    "last_event_id": _or_null(TEXT),
    "created_at": _TIME,
    "started_at": _or_null(_TIME),
    "first_content_at": _or_null(_TIME),
    "ended_at": _or_null(_TIME),
    "timings": _object({"queue_wait_ms": _MS, "first_content_ms": _MS, "total_ms": _MS}),
    "usage": _or_null({"type": "object"}),
}
JOB = _object(
    _OF_RECORD
    | {
        "queue_position": _or_null(_COUNT),
        "message": _or_null({"type": "object"}),
        "error": _or_null(_object({"type": TEXT, "message": TEXT, "code": _or_null(TEXT)})),
    }
)
JOBS = _object(
    {
        "data": {"type": "array", "items": _object(_OF_RECORD | {"error_code": _or_null(TEXT)})},
        "has_more": _YES_OR_NO,
        "next_page": _or_null(TEXT),
    }
)
REMOVED = _object({"id": JOB_ID, "type": {"const": "job_removed"}})

HEALTH = _object({"status": {"const": "ok"}})
READINESS = _object(
    {
        "ready": _YES_OR_NO,
        "redis": _YES_OR_NO,
        "draining": _YES_OR_NO,
        "workers": _or_null(_COUNT),
        "queued": _or_null(_COUNT),
        "subscribers": _COUNT,
    }
)
