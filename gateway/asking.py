"""From a question in plain words to a job: as an assistant, or within a conversation, or neither.

Invariant: what is asked is a call of the Messages API like any other, with the same limits. Within a conversation it
is told what was said before, and runs to its end whoever listens.
Does not know: how the question came, and how the answer goes out.
"""

from dataclasses import dataclass, replace
from functools import partial

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest

from gateway.admission import travelling
from gateway.clients import Client
from gateway.memory import Recalled, prompt, recall
from gateway.sameness import sameness
from gateway.service import Service, Submitted, Way
from streamlog.conversations import ConversationMoved
from streamlog.errors import ClientError
from streamlog.jobs import Request, Sameness

VERSION = "2023-06-01"  # of the Messages API, for those who name none
_MOST_MESSAGE_BYTES = 1 << 20
_TITLE_CHARACTERS = 80
_MOST_READINGS = 5


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `model` and `max_tokens` None leave it to the assistant, or else to the settings."""

    message: str
    assistant: str | None = None
    conversation_id: str | None = None
    model: str | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and by which call: `again` says that its client may be repeating one whose answer got lost."""

    http: HttpRequest
    client: Client
    accepted: float
    headers: Headers
    again: bool = False


async def ask(service: Service, asker: Asker, question: Question) -> Submitted:
    """Queue the job that answers. Raises `SluiceError`, or redis-py's errors."""
    if len(question.message.encode()) > _MOST_MESSAGE_BYTES:
        why = f"A message may have {_MOST_MESSAGE_BYTES} bytes here; POST /v1/messages takes longer ones."
        raise ClientError("body_too_large", why)
    if question.conversation_id is not None:
        return await _continue(service, asker, question, question.conversation_id)
    asked = [{"role": "user", "content": question.message}]
    request = _request(service, asker, question, asked)
    same = await _sameness(asker, request, attached=True)
    way = Way(service.log.submit, same)
    return await service.submit(asker.http, asker.client, request, attached=True, accepted=asker.accepted, way=way)


async def _continue(service: Service, asker: Asker, question: Question, conversation_id: str) -> Submitted:
    """A message that is sent again is known by its own words: what was said before it has changed by then."""
    own = msgspec.json.encode([question.message, question.model, question.max_tokens])
    path = f"/v1/conversations/{conversation_id}/messages"
    same = await _sameness(asker, Request("POST", path, {}, own, "", stream=True), attached=False)
    title = " ".join(question.message.split())[:_TITLE_CHARACTERS]
    keep_s = asker.client.keep_conversations_s or service.settings.conversation_keep_s
    for _ in range(_MOST_READINGS):
        recalled = await recall(service, asker.client, conversation_id)
        if recalled.running is not None and not (same.idempotency or same.retried):
            raise ClientError("conversation_busy")  # before its prompt is made: that may be megabytes
        request = _request(service, asker, _as_begun(question, recalled), prompt(recalled, question.message))
        way = Way(partial(service.conversations.say, recalled.conversation, question.message, title), same, keep_s)
        try:
            return await service.submit(
                asker.http, asker.client, request, attached=False, accepted=asker.accepted, way=way
            )
        except ConversationMoved:  # it was answered meanwhile, or another message came before this one
            continue
    raise ClientError("conversation_busy")


def _as_begun(question: Question, recalled: Recalled) -> Question:
    """A conversation is led by the assistant with which it was begun."""
    begun_with = recalled.conversation.head.assistant or None
    if question.assistant not in (None, begun_with):
        raise ClientError("invalid_request", "assistant: this conversation was begun with another one, or with none")
    return replace(question, assistant=begun_with)


def _request(service: Service, asker: Asker, question: Question, messages: list[dict[str, str]]) -> Request:
    model, max_tokens = service.settings.chat_model, service.settings.chat_max_tokens
    body: dict[str, object] = {}
    if question.assistant is not None:
        assistant = service.assistants.named(question.assistant, asker.client)
        model, max_tokens = assistant.model, assistant.max_tokens
        body["system"] = assistant.system
        if question.max_tokens is not None and question.max_tokens > max_tokens:
            raise ClientError("invalid_request", f"max_tokens: this assistant may use {max_tokens}")
    model = question.model or model
    body |= {"model": model, "max_tokens": question.max_tokens or max_tokens, "messages": messages, "stream": True}
    headers = {"anthropic-version": VERSION, **travelling(asker.http.headers.raw)}
    return Request("POST", "/v1/messages", headers, msgspec.json.encode(body), model, stream=True)


async def _sameness(asker: Asker, request: Request, *, attached: bool) -> Sameness:
    same = await sameness(asker.headers, asker.client.owner, request, attached=attached)
    return replace(same, retried=same.retried or asker.again)
