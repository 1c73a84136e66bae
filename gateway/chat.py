"""`/chat` and `/{assistant}/ask`: words in, words out, for those who want no events.

Invariant: a question is asked once: an `EventSource` that comes back with an id resumes, one that was cut off before
it had any joins the job that it began, and one that has had the end is sent away.
Does not know: how a question becomes a job (`asking`), how its answer is told (`text_relay`, `words`).
"""

from typing import Annotated

import msgspec
from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.responses import Response

from gateway import openapi_chat as openapi
from gateway.admission import decoded
from gateway.asking import Asker, Question, ask
from gateway.conversations import Model, Tokens, Words
from gateway.plain_route import add_plain_route
from gateway.service import Service, now
from gateway.text_relay import HeldText, WordsForEventSource, said_at_once
from gateway.words import NOTHING_LEFT, BareText, TextEvents
from streamlog.errors import ClientError, InternalError, SluiceError
from streamlog.positions import EventId, MalformedPosition, Position
from streamlog.redis_link import LINK_ERRORS

_START = Position(0, 0)


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    message: Words
    conversation_id: str | None = None
    assistant: str | None = None
    model: Model | None = None
    max_tokens: Tokens | None = None
    idempotency_key: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{1,255}\Z")] | None = None  # as in a header

    def question(self) -> Question:
        return Question(self.message, self.assistant, self.conversation_id, self.model, self.max_tokens)


_asked = msgspec.json.Decoder(_Asked)


def add_routes(app: FastAPI, service: Service) -> None:
    """Register on the application itself: a router in between costs 0.1 ms a request."""

    async def chat(http: Request) -> Response:
        """Ask, and read the answer as plain text; as server-sent events where `Accept` names them."""
        accepted = now()
        async with service.admitted(http) as (client, body):
            asked = decoded(_asked, body)
            return await _held(service, Asker(http, client, accepted, _headers(http, asked)), asked)

    async def chat_by_address(http: Request) -> Response:
        """The same for a browser's address line and its `EventSource`."""
        if _wants_events(http):
            return await _events(service, http, "q", None)
        accepted = now()
        async with service.admitted(http) as (client, _):
            asked = _of_query(http, "q", None)
            return await _held(service, Asker(http, client, accepted, _headers(http, asked)), asked)

    async def ask_assistant(http: Request) -> Response:
        """Ask a named assistant: `data:` lines of text for an `EventSource`, and `data: [DONE]`."""
        return await _events(service, http, "question", http.path_params["assistant"])

    described = {"summary": "Ask in plain words", "tags": ["chat"], **openapi.CHAT}
    add_plain_route(app, "/chat", chat, methods=["POST"], **described)
    described = {"summary": "Ask in plain words, by address", "tags": ["chat"], **openapi.CHAT_BY_ADDRESS}
    add_plain_route(app, "/chat", chat_by_address, methods=["GET"], **described)
    described = {"summary": "Ask an assistant", "tags": ["chat"], **openapi.ASK_ASSISTANT}
    add_plain_route(app, "/{assistant}/ask", ask_assistant, methods=["GET"], **described)


async def _held(service: Service, asker: Asker, asked: _Asked) -> Response:
    attached = asked.conversation_id is None
    if not attached:
        service.refuse_without_workers()
    job = await ask(service, asker, asked.question())
    return HeldText(service, job, TextEvents() if _wants_events(asker.http) else BareText(), attached=attached)


async def _events(service: Service, http: Request, name: str, assistant: str | None) -> Response:
    """For an `EventSource`: what can befall a sound program is said in the stream, because it sees no status."""
    service.access.client(http.headers)
    came_back = http.headers.get("last-event-id")
    try:
        return await (_resumed(service, http, came_back) if came_back else _begun(service, http, name, assistant))
    except SluiceError as problem:
        if problem.http_status < 500 and problem.http_status not in (409, 429) and problem.code != "job_not_found":
            raise
        return said_at_once(problem)
    except LINK_ERRORS:
        if came_back:
            return Response(TextEvents.come_back, 200, {"content-type": TextEvents.content_type})
        return said_at_once(InternalError("redis_unavailable"))


async def _begun(service: Service, http: Request, name: str, assistant: str | None) -> Response:
    accepted = now()
    async with service.admitted(http) as (client, _):
        asked = _of_query(http, name, assistant)
        attached = asked.conversation_id is None
        if not attached:
            service.refuse_without_workers()
        asker = Asker(http, client, accepted, _headers(http, asked), again=True)
        job = await ask(service, asker, asked.question())
        return WordsForEventSource(service, job.job_id, None, job, attached=attached)


async def _resumed(service: Service, http: Request, last_event_id: str) -> Response:
    if last_event_id == NOTHING_LEFT:
        return Response(status_code=204)
    try:
        job_id, position = EventId.parse(last_event_id)
    except MalformedPosition as error:
        raise ClientError("malformed_position", str(error)) from None
    await service.own_record(http, job_id)
    after = None if position == _START else position
    return WordsForEventSource(service, job_id, after, None, attached=False)


def _wants_events(http: Request) -> bool:
    return "text/event-stream" in http.headers.get("accept", "").lower()


def _of_query(http: Request, name: str, assistant: str | None) -> _Asked:
    """Other parameters than ours are nobody's business."""
    query: dict[str, str] = dict(http.query_params)
    if assistant is not None:
        query["assistant"] = assistant
    if not query.get(name):
        raise ClientError("invalid_request", f"{name}: Field required")
    query["message"] = query.pop(name)
    try:
        return msgspec.convert(
            {key: query[key] for key in _Asked.__struct_fields__ if key in query}, _Asked, strict=False
        )
    except msgspec.ValidationError as error:
        raise ClientError("invalid_request", str(error)) from None


def _headers(http: Request, asked: _Asked) -> Headers:
    """An `EventSource` and a form send no headers of their own: the key may come with the rest."""
    if asked.idempotency_key is None:
        return http.headers
    return Headers({**http.headers, "idempotency-key": asked.idempotency_key})
