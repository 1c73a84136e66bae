"""What the OpenAPI document says where the code cannot: answers that pass through as bytes, headers, errors, keys.

Invariant: every status that a call may have is named, with its shape and its headers.
Does not know: routes' code, the JSON itself (`openapi_shapes`).
"""

from typing import Any

from fastapi import FastAPI

from gateway import openapi_shapes as shapes
from gateway.openapi_shapes import COUNT_BODY, JOB_ID, TEXT, Json
from gateway.openapi_shapes import ERROR_SCHEMA as ERROR_SCHEMA
from gateway.openapi_shapes import MESSAGES_BODY as MESSAGES_BODY

Responses = dict[int | str, Json]


def _header(description: str, *, required: bool = False, schema: Json = TEXT) -> Json:
    return {"description": description, "required": required, "schema": schema}


_REQUEST_ID = {"request-id": _header("Names this answer; the upstream's own where there is one.", required=True)}
_OF_JOB = _REQUEST_ID | {"sluice-job-id": _header("The job behind this answer.", required=True, schema=JOB_ID)}
_REPLAYED = {
    "idempotent-replayed": _header(
        "This call asked nothing new: it joined an earlier one's job.", schema={"const": "true"}
    )
}
_OF_CALL = (
    _OF_JOB
    | _REPLAYED
    | {"anthropic-organization-id": _header("The upstream's; so are all `anthropic-ratelimit-…` headers.")}
)
_OF_ERROR = (
    _REQUEST_ID
    | _REPLAYED
    | {
        "sluice-job-id": _header("The job behind this answer, if one was made.", schema=JOB_ID),
        "retry-after": _header("Seconds to wait before the next try; present where waiting helps."),
    }
)

_MEANINGS: dict[int | str, str] = {
    400: "The request is not valid.",
    401: "The key is missing, or not one that this gateway knows.",
    404: "There is nothing here, or it is not yours.",
    405: "This address does not take that method.",
    413: "The body is too large.",
    422: "The Idempotency-Key was used for another request.",
    429: "A limit of this client, or the upstream's.",
    431: "The request's line and headers are too large.",
    499: "The job was cancelled before it said anything.",
    500: "Something went wrong, here or upstream.",
    502: "The upstream could not be reached or broke off, or the worker was lost.",
    503: "The queue cannot be reached, or this gateway or the worker is stopping.",
    504: "The upstream fell silent, or the job ran for too long.",
    529: "The upstream is overloaded, the queue is full, or no worker is running.",
    "4XX": "Another refusal. The upstream's own is passed on as it came, whatever its shape.",
    "5XX": "Another failure. The upstream's own is passed on as it came, whatever its shape.",
}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


_ERROR: Json = {"headers": _OF_ERROR, "content": _json(ERROR_SCHEMA)}


def _errors(*statuses: int | str) -> Responses:
    """A status of its own refers to the one description of all errors; a range stands for itself."""
    told: Json = {"$ref": "#/components/responses/Error"}
    return {
        status: {"description": _MEANINGS[status]} | (_ERROR if isinstance(status, str) else told)
        for status in statuses
    }


_OPERATION_ERRORS = _errors(400, 405, 431, 500)
_JOB_ERRORS = _errors(400, 401, 404, 405, 431, 500, 503, "4XX", "5XX")
_SUBMIT_ERRORS = _errors(400, 401, 405, 413, 422, 429, 431, 500, 503, 529, "4XX", "5XX")
_CALL_ERRORS = _SUBMIT_ERRORS | _errors(404, 499, 502, 504)

_STREAM: Json = {"text/event-stream": {"itemSchema": shapes.EVENT}}


def _answers(status: int, description: str, content: Json, errors: Responses, **more: Json) -> Responses:
    answer: Responses = {status: {"description": description, "content": content} | more}
    return answer | errors


def _call(description: str, content: Json, **more: Json) -> Responses:
    """A call that the upstream answers."""
    return _answers(200, description, content, _CALL_ERRORS, headers=_OF_CALL, **more)


def _links(job_id: str) -> Json:
    operations = {"look": "get_job", "follow": "follow_job", "cancel": "cancel_job"}
    return {
        name: {"operationId": operation, "parameters": {"job_id": job_id}} for name, operation in operations.items()
    }


_BODY_ID = "$response.body#/id"
_RESUME = {
    "resume": {
        "operationId": "follow_job",
        "parameters": {"job_id": _BODY_ID, "after": "$response.body#/last_event_id"},
    }
}

_MESSAGE_RESPONSES = _call(
    "The message; with `stream: true` its events.",
    _json(shapes.MESSAGE) | _STREAM,
    links=_links("$response.header.sluice-job-id"),
)
_COUNT_RESPONSES = _call("The count.", _json(shapes.COUNTED))
_MODELS_RESPONSES = _call("A page of models.", _json(shapes.MODELS))
_MODEL_RESPONSES = _call("The model.", _json(shapes.MODEL))
_SUBMIT_RESPONSES = _answers(
    202,
    "The job is queued; one that an Idempotency-Key joined is as far as it says.",
    _json(shapes.SUBMITTED),
    _SUBMIT_ERRORS,
    headers=_OF_JOB | _REPLAYED | {"location": _header("Where to look at the job.", required=True)},
    links=_links(_BODY_ID),
)
_JOB_RESPONSES = _answers(
    200,
    "The job as it is now.",
    _json(shapes.JOB),
    _JOB_ERRORS,
    headers=_OF_JOB,
    links=_links(_BODY_ID) | _RESUME,
)
_LIST_RESPONSES = _answers(200, "A page of jobs.", _json(shapes.JOBS), _JOB_ERRORS, headers=_REQUEST_ID)
_REMOVED_RESPONSES = _answers(200, "It is gone.", _json(shapes.REMOVED), _JOB_ERRORS, headers=_OF_JOB)
_NOTHING_LEFT: Responses = {204: {"description": "Nothing is left behind that position.", "headers": _OF_JOB}}
_FOLLOW_RESPONSES = _answers(200, "The events.", _STREAM, _NOTHING_LEFT | _JOB_ERRORS, headers=_OF_JOB)

_HEALTH_RESPONSES = _answers(200, "Alive.", _json(shapes.HEALTH), _OPERATION_ERRORS)
_READINESS = _json(shapes.READINESS)
_UNREADY: Responses = {
    503: {"description": "Redis does not answer, or this gateway is stopping.", "content": _READINESS}
}
_READY_RESPONSES = _answers(200, "Send work here.", _READINESS, _UNREADY | _OPERATION_ERRORS)
_METRICS: Json = {name: {"schema": TEXT} for name in ("text/plain", "application/openmetrics-text")}
_METRICS_RESPONSES = _answers(200, "The metrics.", _METRICS, _OPERATION_ERRORS)


def _parameter(where: str, name: str, description: str, schema: Json, *, required: bool = False) -> Json:
    return {"in": where, "name": name, "description": description, "required": required, "schema": schema}


_UPSTREAM_HEADERS = [
    _parameter(
        "header",
        "anthropic-version",
        "The version of the Messages API; the upstream judges it.",
        TEXT | {"examples": ["2023-06-01", "2026-10-21"]},
    ),
    _parameter("header", "anthropic-beta", "Travels on, as every `anthropic-…` header does.", TEXT),
]
_IDEMPOTENCY_KEY = _parameter(
    "header",
    "idempotency-key",
    "The same call with the same key joins the first one's job.",
    TEXT | {"minLength": 1, "maxLength": 255},
)
_LAST_EVENT_ID = _parameter(
    "header", "last-event-id", "The id of the last event received; what comes behind it is sent.", TEXT
)
_PAGE_PARAMETERS = [
    _parameter("query", "limit", "Most models in one page.", {"type": "integer", "minimum": 1, "maximum": 1000}),
    _parameter("query", "after_id", "The page behind this model.", TEXT),
    _parameter("query", "before_id", "The page before this model.", TEXT),
]
_MODEL_ID = _parameter(
    "path", "model_id", "An id or an alias.", TEXT | {"examples": [shapes.MODEL_NAME]}, required=True
)


def _route(name: str, parameters: list[Json], responses: Responses, **more: Any) -> Json:
    """What a route is registered with."""
    return {"responses": responses, "openapi_extra": {"operationId": name, "parameters": parameters} | more}


_SUBMIT_PARAMETERS = [*_UPSTREAM_HEADERS, _IDEMPOTENCY_KEY]
CREATE_MESSAGE = _route("create_message", _SUBMIT_PARAMETERS, _MESSAGE_RESPONSES, requestBody=MESSAGES_BODY)
COUNT_TOKENS = _route("count_tokens", _SUBMIT_PARAMETERS, _COUNT_RESPONSES, requestBody=COUNT_BODY)
LIST_MODELS = _route("list_models", [*_SUBMIT_PARAMETERS, *_PAGE_PARAMETERS], _MODELS_RESPONSES)
GET_MODEL = _route("get_model", [*_SUBMIT_PARAMETERS, _MODEL_ID], _MODEL_RESPONSES)
SUBMIT_JOB = _route("submit_job", _SUBMIT_PARAMETERS, _SUBMIT_RESPONSES, requestBody=MESSAGES_BODY)
GET_JOB = _route("get_job", [], _JOB_RESPONSES)
FOLLOW_JOB = _route("follow_job", [_LAST_EVENT_ID], _FOLLOW_RESPONSES)
CANCEL_JOB = _route("cancel_job", [], _JOB_RESPONSES)
LIST_JOBS = _route("list_jobs", [], _LIST_RESPONSES)
REMOVE_JOB = _route("remove_job", [], _REMOVED_RESPONSES)
HEALTHZ = _route("healthz", [], _HEALTH_RESPONSES, security=[])
READYZ = _route("readyz", [], _READY_RESPONSES, security=[])
METRICS = _route("metrics", [], _METRICS_RESPONSES, security=[])

_KEYS: Json = {
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "bearer": {"type": "http", "scheme": "bearer"},
}


def use_document(app: FastAPI) -> None:
    """Add what no route can say: the keys, either of which will do, and the shape of all errors."""
    made = app.openapi

    def document() -> Json:
        whole = made()
        errors = {"Error": {"description": "An error, in Anthropic's shape."} | _ERROR}
        whole["components"] = whole.get("components", {}) | {"securitySchemes": _KEYS, "responses": errors}
        whole["security"] = [{name: []} for name in _KEYS]
        return whole

    app.openapi = document  # type: ignore[method-assign]  # as FastAPI's documentation has it
