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


def exactly(properties: Json) -> Json:
    """All of these are always there."""
    return {"type": "object", "required": list(properties), "properties": properties}


def or_null(schema: Json) -> Json:
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
_BLOCKS: Json = {"type": "array", "items": exactly({"type": TEXT})}
_TURN = exactly({"role": {"enum": ["user", "assistant", "system"]}, "content": {"anyOf": [TEXT, _BLOCKS]}})
_TURNS: Json = {"type": "array", "minItems": 1, "items": _TURN}
_MOST_TOKENS: Json = {"type": "integer", "minimum": 1, "examples": [1024]}


def _body(required: Json, example: Json, optional: Json | None = None) -> Json:
    schema = exactly(required) | {"properties": required | (optional or {}), "additionalProperties": True}
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

MESSAGE = exactly(
    {
        "id": TEXT,
        "type": {"const": "message"},
        "role": {"const": "assistant"},
        "model": TEXT,
        "content": _BLOCKS,
        "stop_reason": or_null(TEXT),
        "stop_sequence": or_null(TEXT),
        "usage": exactly({"input_tokens": _COUNT, "output_tokens": _COUNT}),
    }
)
COUNTED = exactly({"input_tokens": _COUNT})
MODEL = exactly({"id": TEXT, "type": {"const": "model"}, "display_name": TEXT, "created_at": TEXT})
MODELS = exactly(
    {
        "data": {"type": "array", "items": MODEL},
        "has_more": _YES_OR_NO,
        "first_id": or_null(TEXT),
        "last_id": or_null(TEXT),
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

SUBMITTED_FIELDS: Json = {
    "id": JOB_ID,
    "type": {"const": "job"},
    "state": {"enum": [str(state) for state in State]},
    "stream": _YES_OR_NO,
    "events_url": TEXT,
}
SUBMITTED = exactly(SUBMITTED_FIELDS)
TIME: Json = {"type": "string", "format": "date-time"}
_MS = or_null({"type": "number", "minimum": 0})
_LISTED: Json = SUBMITTED_FIELDS | {
    "model": TEXT,
    "attached": _YES_OR_NO,
    "last_event_id": or_null(TEXT),
    "created_at": TIME,
    "started_at": or_null(TIME),
    "first_content_at": or_null(TIME),
    "ended_at": or_null(TIME),
    "timings": exactly({"queue_wait_ms": _MS, "first_content_ms": _MS, "total_ms": _MS}),
    "usage": or_null({"type": "object"}),
    "error_code": or_null(TEXT),
}
_OF_RECORD: Json = SUBMITTED_FIELDS | {
    "model": TEXT,
    "attached": _YES_OR_NO,
    "last_event_id": or_null(TEXT),
    "created_at": TIME,
    "started_at": or_null(TIME),
    "first_content_at": or_null(TIME),
    "ended_at": or_null(TIME),
    "timings": exactly({"queue_wait_ms": _MS, "first_content_ms": _MS, "total_ms": _MS}),
    "usage": or_null({"type": "object"}),
}
JOB = exactly(
    _OF_RECORD
    | {
        "queue_position": or_null(_COUNT),
        "message": or_null({"type": "object"}),
        "error": or_null(exactly({"type": TEXT, "message": TEXT, "code": or_null(TEXT)})),
    }
)
JOBS = exactly(
    {
        "data": {"type": "array", "items": exactly(_OF_RECORD | {"error_code": or_null(TEXT)})},
        "has_more": _YES_OR_NO,
        "next_page": or_null(TEXT),
    }
)
REMOVED = exactly({"id": JOB_ID, "type": {"const": "job_removed"}})

HEALTH = exactly({"status": {"const": "ok"}})
READINESS = exactly(
    {
        "ready": _YES_OR_NO,
        "redis": _YES_OR_NO,
        "draining": _YES_OR_NO,
        "workers": or_null(_COUNT),
        "queued": or_null(_COUNT),
        "subscribers": _COUNT,
    }
)
