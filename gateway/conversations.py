"""`/v1/conversations`: begin, list, read and remove them, and say something in them; `/v1/assistants`: with whom.

Does not know: how a message becomes a job (`asking`), what an answer amounts to (`memory`).
"""

import asyncio
import re
from typing import Annotated

import msgspec
from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from gateway import openapi_chat as openapi
from gateway.admission import decoded
from gateway.asking import Asker, Question, ask
from gateway.clients import Client
from gateway.job_views import submitted_view
from gateway.memory import conversation_view, head_view, recall
from gateway.relay import joined_headers
from gateway.replies import told
from gateway.service import Service, now
from streamlog.conversations import HeadPlace
from streamlog.errors import ClientError
from streamlog.lifecycle import State
from telemetry import announce, facts

_PAGE = re.compile(r"([0-9]{1,16})-(conv_[A-Za-z0-9_-]{22})")
Words = Annotated[str, msgspec.Meta(min_length=1)]
Model = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
Tokens = Annotated[int, msgspec.Meta(ge=1)]


class _Beginning(msgspec.Struct, forbid_unknown_fields=True):
    assistant: Model | None = None
    title: Annotated[str, msgspec.Meta(max_length=256)] | None = None


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    message: Words
    model: Model | None = None
    max_tokens: Tokens | None = None


_beginning = msgspec.json.Decoder(_Beginning)
_message = msgspec.json.Decoder(_Message)


def add_routes(app: FastAPI, service: Service) -> None:
    """Register on the application itself: a router in between costs 0.1 ms a request."""
    _add_shelf(app, service)
    _add_message(app, service)

    @app.get(
        "/v1/assistants", summary="List assistants", tags=["chat"], response_class=Response, **openapi.LIST_ASSISTANTS
    )
    async def list_assistants(http: Request) -> Response:
        """Those that the caller may use."""
        known = service.assistants.of(service.access.client(http.headers))
        rows = [{"name": name, "title": one.title or name, "model": one.model} for name, one in known.items()]
        return told({"data": rows})

    @app.post(
        "/v1/conversations",
        status_code=201,
        summary="Begin a conversation",
        tags=["chat"],
        response_class=Response,
        **openapi.BEGIN_CONVERSATION,
    )
    async def begin_conversation(http: Request) -> Response:
        """Without any message yet. Its title is that of the first one, unless it has its own."""
        async with service.admitted(http) as (client, body):
            begun = decoded(_beginning, body or b"{}")
            if begun.assistant is not None:
                service.assistants.named(begun.assistant, client)
            keep_s = client.keep_conversations_s or service.settings.conversation_keep_s
            conversation = await service.conversations.begin(
                client.owner, begun.title or "", begun.assistant or "", keep_s
            )
        view = head_view(conversation.head) | {"type": "conversation", "messages": [], "running": None}
        return told(view, 201, {"location": f"/v1/conversations/{conversation.id}"})


def _add_shelf(app: FastAPI, service: Service) -> None:
    @app.get(
        "/v1/conversations",
        summary="List conversations",
        tags=["chat"],
        response_class=Response,
        **openapi.LIST_CONVERSATIONS,
    )
    async def list_conversations(
        http: Request, limit: Annotated[int, Query(ge=1, le=100)] = 20, page: str | None = None
    ) -> Response:
        """One's own conversations, those that were last answered first. A page may be short and not the last."""
        owner = service.access.client(http.headers).owner
        listed = await service.conversations.listed(owner, limit, _place(page))
        after = listed.after
        return told(
            {
                "data": [head_view(head) for head in listed.heads],
                "has_more": after is not None,
                "next_page": f"{after.updated_us}-{after.id}" if after else None,
            }
        )

    @app.get(
        "/v1/conversations/{conversation_id}",
        summary="Read a conversation",
        tags=["chat"],
        response_class=Response,
        **openapi.READ_CONVERSATION,
    )
    async def read_conversation(http: Request, conversation_id: str) -> Response:
        """All its messages; `running` is where the answer that is still coming can be followed."""
        client = service.access.client(http.headers)
        return told(conversation_view(await recall(service, client, conversation_id)))

    @app.delete(
        "/v1/conversations/{conversation_id}",
        summary="Remove a conversation",
        tags=["chat"],
        response_class=Response,
        **openapi.REMOVE_CONVERSATION,
    )
    async def remove_conversation(http: Request, conversation_id: str) -> Response:
        """Removes it with all its jobs. An answer that is still coming is cancelled first."""
        await _remove(service, service.access.client(http.headers), conversation_id)
        return told({"id": conversation_id, "type": "conversation_removed"})


def _add_message(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/conversations/{conversation_id}/messages",
        status_code=202,
        summary="Say something in a conversation",
        tags=["chat"],
        response_class=Response,
        **openapi.SAY,
    )
    async def say(http: Request, conversation_id: str, sign: bool = False) -> Response:
        """Queues the job that answers. Refused while another message of the conversation is being answered. With `sign`
        the `events_url` opens without a key, for a while."""
        accepted = now()
        async with service.admitted(http) as (client, body):
            said = decoded(_message, body)
            question = Question(said.message, None, conversation_id, said.model, said.max_tokens)
            job = await ask(service, Asker(http, client, accepted, http.headers), question)
        state = (await service.own_record(http, job.job_id)).state if job.joined else State.QUEUED
        headers = {"location": f"/v1/jobs/{job.job_id}", "sluice-job-id": job.job_id, **joined_headers(job)}
        token = await service.tokens.sign(job.job_id) if sign else ""
        view = submitted_view(job.job_id, state, token) | {"conversation_id": conversation_id}
        return told(view, 202, headers)


async def _remove(service: Service, client: Client, conversation_id: str) -> None:
    """Its jobs first, so that whoever is interrupted can begin again."""
    conversation = await service.conversations.read(client.owner, conversation_id)
    await asyncio.gather(*(_remove_job(service, client, turn.job_id) for turn in conversation.turns))
    while (job_id := await service.conversations.forget(client.owner, conversation_id)) is not None:
        await _remove_job(service, client, job_id)  # it was asked meanwhile


async def _remove_job(service: Service, client: Client, job_id: str) -> None:
    _, ended = await service.owned.remove(client.owner, job_id)
    if ended is not None:
        announce(facts.JobEnded(ended.model, ended.state, ended.duration_s))


def _place(page: str | None) -> HeadPlace | None:
    if page is None:
        return None
    of = _PAGE.fullmatch(page)
    if of is None:
        raise ClientError("invalid_request", "page: Expected the `next_page` of an earlier answer")
    return HeadPlace(int(of[1]), of[2])
