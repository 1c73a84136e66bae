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


def header(description: str, *, required: bool = False, schema: Json = TEXT) -> Json:
    return {"description": description, "required": required, "schema": schema}


REQUEST_ID = {"request-id": header("Names this answer; the upstream's own where there is one.", required=True)}
OF_JOB = REQUEST_ID | {"sluice-job-id": header("The job behind this answer.", required=True, schema=JOB_ID)}
REPLAYED = {
    "idempotent-replayed": header(
        "This call asked nothing new: it joined an earlier one's job.", schema={"const": "true"}
    )
}
_OF_CALL = (
    OF_JOB
    | REPLAYED
    | {"anthropic-organization-id": header("The upstream's; so are all `anthropic-ratelimit-…` headers.")}
)
_OF_ERROR = (
    REQUEST_ID
    | REPLAYED
    | {
        "sluice-job-id": header("The job behind this answer, if one was made.", schema=JOB_ID),
        "retry-after": header("Seconds to wait before the next try; present where waiting helps."),
    }
)

_MEANINGS: dict[int | str, str] = {
    400: "The request is not valid.",
    401: "The key is missing, or not one that this gateway knows.",
    404: "There is nothing here, or it is not yours.",
    405: "This address does not take that method.",
    403: "A page of another site asked for this.",
    409: "Another message of the conversation is being answered.",
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


def json_of(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


_ERROR: Json = {"headers": _OF_ERROR, "content": json_of(ERROR_SCHEMA)}


def errors(*statuses: int | str) -> Responses:
    """A status of its own refers to the one description of all errors; a range stands for itself."""
    told: Json = {"$ref": "#/components/responses/Error"}
    return {
        status: {"description": _MEANINGS[status]} | (_ERROR if isinstance(status, str) else told)
        for status in statuses
    }


_OPERATION_ERRORS = errors(400, 405, 431, 500)
ERRORS_OF_JOBS = errors(400, 401, 404, 405, 431, 500, 503, "4XX", "5XX")
ERRORS_OF_SUBMITS = errors(400, 401, 405, 413, 422, 429, 431, 500, 503, 529, "4XX", "5XX")
_CALL_ERRORS = ERRORS_OF_SUBMITS | errors(404, 499, 502, 504)

_STREAM: Json = {"text/event-stream": {"itemSchema": shapes.EVENT}}


def answers(status: int, description: str, content: Json, errors: Responses, **more: Json) -> Responses:
    answer: Responses = {status: {"description": description, "content": content} | more}
    return answer | errors


def _call(description: str, content: Json, **more: Json) -> Responses:
    """A call that the upstream answers."""
    return answers(200, description, content, _CALL_ERRORS, headers=_OF_CALL, **more)


def links(job_id: str) -> Json:
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
    json_of(shapes.MESSAGE) | _STREAM,
    links=links("$response.header.sluice-job-id"),
)
_COUNT_RESPONSES = _call("The count.", json_of(shapes.COUNTED))
_MODELS_RESPONSES = _call("A page of models.", json_of(shapes.MODELS))
_MODEL_RESPONSES = _call("The model.", json_of(shapes.MODEL))
_SUBMIT_RESPONSES = answers(
    202,
    "The job is queued; one that an Idempotency-Key joined is as far as it says.",
    json_of(shapes.SUBMITTED),
    ERRORS_OF_SUBMITS,
    headers=OF_JOB | REPLAYED | {"location": header("Where to look at the job.", required=True)},
    links=links(_BODY_ID),
)
_JOB_RESPONSES = answers(
    200,
    "The job as it is now.",
    json_of(shapes.JOB),
    ERRORS_OF_JOBS,
    headers=OF_JOB,
    links=links(_BODY_ID) | _RESUME,
)
_LIST_RESPONSES = answers(200, "A page of jobs.", json_of(shapes.JOBS), ERRORS_OF_JOBS, headers=REQUEST_ID)
_REMOVED_RESPONSES = answers(200, "It is gone.", json_of(shapes.REMOVED), ERRORS_OF_JOBS, headers=OF_JOB)
_NOTHING_LEFT: Responses = {204: {"description": "Nothing is left behind that position.", "headers": OF_JOB}}
_FOLLOW_RESPONSES = answers(200, "The events.", _STREAM, _NOTHING_LEFT | ERRORS_OF_JOBS, headers=OF_JOB)

_HEALTH_RESPONSES = answers(200, "Alive.", json_of(shapes.HEALTH), _OPERATION_ERRORS)
_READINESS = json_of(shapes.READINESS)
_UNREADY: Responses = {
    503: {"description": "Redis does not answer, or this gateway is stopping.", "content": _READINESS}
}
_READY_RESPONSES = answers(200, "Send work here.", _READINESS, _UNREADY | _OPERATION_ERRORS)
_METRICS: Json = {name: {"schema": TEXT} for name in ("text/plain", "application/openmetrics-text")}
_METRICS_RESPONSES = answers(200, "The metrics.", _METRICS, _OPERATION_ERRORS)


def parameter(where: str, name: str, description: str, schema: Json, *, required: bool = False) -> Json:
    return {"in": where, "name": name, "description": description, "required": required, "schema": schema}


UPSTREAM_HEADERS = [
    parameter(
        "header",
        "anthropic-version",
        "The version of the Messages API; the upstream judges it.",
        TEXT | {"examples": ["2023-06-01", "2026-10-21"]},
    ),
    parameter("header", "anthropic-beta", "Travels on, as every `anthropic-…` header does.", TEXT),
]
IDEMPOTENCY_KEY = parameter(
    "header",
    "idempotency-key",
    "The same call with the same key joins the first one's job.",
    TEXT | {"minLength": 1, "maxLength": 255},
)
_LAST_EVENT_ID = parameter(
    "header", "last-event-id", "The id of the last event received; what comes behind it is sent.", TEXT
)
_PAGE_PARAMETERS = [
    parameter("query", "limit", "Most models in one page.", {"type": "integer", "minimum": 1, "maximum": 1000}),
    parameter("query", "after_id", "The page behind this model.", TEXT),
    parameter("query", "before_id", "The page before this model.", TEXT),
]
_MODEL_ID = parameter("path", "model_id", "An id or an alias.", TEXT | {"examples": [shapes.MODEL_NAME]}, required=True)


def route(name: str, parameters: list[Json], responses: Responses, **more: Any) -> Json:
    """What a route is registered with."""
    return {"responses": responses, "openapi_extra": {"operationId": name, "parameters": parameters} | more}


_SUBMIT_PARAMETERS = [*UPSTREAM_HEADERS, IDEMPOTENCY_KEY]
CREATE_MESSAGE = route("create_message", _SUBMIT_PARAMETERS, _MESSAGE_RESPONSES, requestBody=MESSAGES_BODY)
COUNT_TOKENS = route("count_tokens", _SUBMIT_PARAMETERS, _COUNT_RESPONSES, requestBody=COUNT_BODY)
LIST_MODELS = route("list_models", [*_SUBMIT_PARAMETERS, *_PAGE_PARAMETERS], _MODELS_RESPONSES)
GET_MODEL = route("get_model", [*_SUBMIT_PARAMETERS, _MODEL_ID], _MODEL_RESPONSES)
SUBMIT_JOB = route("submit_job", _SUBMIT_PARAMETERS, _SUBMIT_RESPONSES, requestBody=MESSAGES_BODY)
GET_JOB = route("get_job", [], _JOB_RESPONSES)
FOLLOW_JOB = route("follow_job", [_LAST_EVENT_ID], _FOLLOW_RESPONSES)
CANCEL_JOB = route("cancel_job", [], _JOB_RESPONSES)
LIST_JOBS = route("list_jobs", [], _LIST_RESPONSES)
REMOVE_JOB = route("remove_job", [], _REMOVED_RESPONSES)
HEALTHZ = route("healthz", [], _HEALTH_RESPONSES, security=[])
READYZ = route("readyz", [], _READY_RESPONSES, security=[])
METRICS = route("metrics", [], _METRICS_RESPONSES, security=[])

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
