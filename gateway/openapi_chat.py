"""What the OpenAPI document says of assistants, conversations and the simple endpoints.

Does not know: routes' code, what all calls share (`openapi`).
"""

from gateway import openapi_shapes as shapes
from gateway.openapi import (
    ERRORS_OF_JOBS,
    ERRORS_OF_SUBMITS,
    IDEMPOTENCY_KEY,
    OF_JOB,
    REPLAYED,
    REQUEST_ID,
    UPSTREAM_HEADERS,
    Responses,
    answers,
    errors,
    header,
    json_of,
    links,
    parameter,
    route,
)
from gateway.openapi_shapes import JOB_ID, TEXT, Json, exactly, or_null

_CONVERSATION_ID = TEXT | {"pattern": "^conv_[A-Za-z0-9_-]{22}$"}
_WORDS = TEXT | {"minLength": 1, "maxLength": 1 << 20, "examples": ["Why is the sky blue?"]}
_MODEL = or_null(TEXT | {"minLength": 1, "maxLength": 256, "examples": [shapes.MODEL_NAME]})
_TOKENS = or_null({"type": "integer", "minimum": 1, "examples": [1024]})
_NAME = or_null(TEXT | {"minLength": 1, "maxLength": 256})

ASSISTANTS = exactly({"data": {"type": "array", "items": exactly({"name": TEXT, "title": TEXT, "model": TEXT})}})
_HEAD: Json = {
    "id": _CONVERSATION_ID,
    "title": TEXT,
    "assistant": or_null(TEXT),
    "created_at": shapes.TIME,
    "updated_at": shapes.TIME,
}
_MESSAGE: Json = {
    "type": "object",
    "required": ["role", "content", "job_id", "state"],
    "properties": {
        "role": {"enum": ["user", "assistant"]},
        "content": {"anyOf": [TEXT, {"type": "array", "items": {"type": "object"}}]},
        "job_id": JOB_ID,
        "state": {"enum": ["complete", "interrupted"]},
        "stop_reason": or_null(TEXT),
        "error_code": or_null(TEXT),
    },
}
_CONVERSATION = exactly(
    _HEAD
    | {
        "type": {"const": "conversation"},
        "messages": {"type": "array", "items": _MESSAGE},
        "running": or_null(exactly({"job_id": JOB_ID, "events_url": TEXT})),
    }
)
_CONVERSATIONS = exactly(
    {
        "data": {"type": "array", "items": exactly(_HEAD)},
        "has_more": {"type": "boolean"},
        "next_page": or_null(TEXT),
    }
)
_REMOVED = exactly({"id": _CONVERSATION_ID, "type": {"const": "conversation_removed"}})
_SAID = exactly(shapes.SUBMITTED_FIELDS | {"conversation_id": _CONVERSATION_ID})

_BEGIN_ERRORS = ERRORS_OF_JOBS | errors(413, 529)
_SAY_ERRORS = ERRORS_OF_SUBMITS | errors(404, 409)


def _body(properties: Json, example: Json, *, required: bool = True) -> Json:
    needed = [name for name in properties if name in example] if required else []
    schema = {"type": "object", "required": needed, "properties": properties, "additionalProperties": False}
    return {"required": required, "content": {"application/json": {"schema": schema, "example": example}}}


_ID = "$response.body#/id"
_OF_CONVERSATION = {
    name: {"operationId": operation, "parameters": {"conversation_id": _ID}}
    for name, operation in {"read": "read_conversation", "say": "say", "remove": "remove_conversation"}.items()
}
_LOCATION = {"location": header("Where to read it.", required=True)}

LIST_ASSISTANTS = route(
    "list_assistants", [], answers(200, "The assistants.", json_of(ASSISTANTS), ERRORS_OF_JOBS, headers=REQUEST_ID)
)
BEGIN_CONVERSATION = route(
    "begin_conversation",
    [],
    answers(
        201,
        "It has begun.",
        json_of(_CONVERSATION),
        _BEGIN_ERRORS,
        headers=REQUEST_ID | _LOCATION,
        links=_OF_CONVERSATION,
    ),
    requestBody=_body({"assistant": _NAME, "title": or_null(TEXT | {"maxLength": 256})}, {}, required=False),
)
LIST_CONVERSATIONS = route(
    "list_conversations",
    [],
    answers(200, "A page of conversations.", json_of(_CONVERSATIONS), ERRORS_OF_JOBS, headers=REQUEST_ID),
)
READ_CONVERSATION = route(
    "read_conversation",
    [],
    answers(200, "The conversation.", json_of(_CONVERSATION), ERRORS_OF_JOBS, headers=REQUEST_ID),
)
REMOVE_CONVERSATION = route(
    "remove_conversation",
    [],
    answers(200, "It is gone.", json_of(_REMOVED), ERRORS_OF_JOBS, headers=REQUEST_ID),
)
SAY = route(
    "say",
    [*UPSTREAM_HEADERS, IDEMPOTENCY_KEY],
    answers(
        202,
        "The job that answers is queued; one that an Idempotency-Key joined is as far as it says.",
        json_of(_SAID),
        _SAY_ERRORS,
        headers=OF_JOB | REPLAYED | {"location": header("Where to look at the job.", required=True)},
        links=links(_ID),
    ),
    requestBody=_body({"message": _WORDS, "model": _MODEL, "max_tokens": _TOKENS}, {"message": "Why is the sky blue?"}),
)

_TEXT_EVENT: Json = {
    "type": "object",
    "description": "Words of the answer, with the id to resume from; the last one is `[DONE]`. Before it may stand an "
    "`event: error`, whose data is an error body.",
    "required": ["data"],
    "properties": {"id": TEXT, "event": {"enum": ["message", "error"]}, "data": TEXT},
}
_EVENTS: Json = {"text/event-stream": {"itemSchema": _TEXT_EVENT}}
_WORDS_OR_EVENTS: Json = {"text/plain": {"schema": TEXT}} | _EVENTS
_CHAT_ERRORS = ERRORS_OF_SUBMITS | errors(403, 404, 409, 499, 502, 504)
_NOTHING_LEFT: Responses = {204: {"description": "This answer has been read to its end."}}
_OF_ANSWER = OF_JOB | REPLAYED


def _of_query(name: str, description: str, schema: Json, *, required: bool = False) -> Json:
    return parameter("query", name, description, schema, required=required)


_PLAIN_WORDS = TEXT | {"minLength": 1, "examples": ["Why is the sky blue?"]}
_QUERY = [
    _of_query("conversation_id", "The conversation to go on with.", _CONVERSATION_ID),
    _of_query("model", "The model, if not the usual one.", TEXT | {"minLength": 1, "maxLength": 256}),
    _of_query("max_tokens", "The longest answer.", {"type": "integer", "minimum": 1}),
    _of_query("idempotency_key", "As the header.", TEXT | {"pattern": "^[!-~]{1,255}$"}),
    parameter(
        "header", "last-event-id", "The id of the last event received: the rest is sent, nothing is asked.", TEXT
    ),
]
_ASSISTANT = TEXT | {"pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"}
CHAT = route(
    "chat",
    [*UPSTREAM_HEADERS, IDEMPOTENCY_KEY],
    answers(200, "The answer.", _WORDS_OR_EVENTS, _CHAT_ERRORS, headers=_OF_ANSWER),
    requestBody=_body(
        {
            "message": _WORDS,
            "conversation_id": or_null(_CONVERSATION_ID),
            "assistant": _NAME,
            "model": _MODEL,
            "max_tokens": _TOKENS,
            "idempotency_key": or_null(TEXT | {"pattern": "^[!-~]{1,255}$"}),
        },
        {"message": "Why is the sky blue?"},
    ),
)
CHAT_BY_ADDRESS = route(
    "chat_by_address",
    [
        _of_query("q", "What to ask.", _PLAIN_WORDS, required=True),
        _of_query("assistant", "Who answers.", _ASSISTANT),
        *_QUERY,
    ],
    answers(200, "The answer.", _WORDS_OR_EVENTS, _NOTHING_LEFT | _CHAT_ERRORS, headers=_OF_ANSWER),
)
ASK_ASSISTANT = route(
    "ask_assistant",
    [
        parameter("path", "assistant", "The assistant's name.", _ASSISTANT, required=True),
        _of_query("question", "What to ask.", _PLAIN_WORDS, required=True),
        *_QUERY,
    ],
    answers(200, "The answer.", _EVENTS, _NOTHING_LEFT | _CHAT_ERRORS, headers=_OF_ANSWER),
)
