"""A conversation as its owner reads it, and as Claude is told of it.

Invariant: an answer is taken from its job's log once and kept in the conversation from then on; only what has been
answered is told to Claude.
Does not know: HTTP, which model is asked.
"""

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from gateway.answers import Answer, answer_of
from gateway.clients import Client
from gateway.job_views import shown_time
from gateway.service import Service
from streamlog.conversations import Conversation, Head, Turn
from streamlog.errors import ClientError
from streamlog.garbled import lost_if_garbled

Json = dict[str, Any]

MOST_TURNS = 500
_MOST_BYTES = 4 << 20
_answer = msgspec.json.Decoder(Answer)


@dataclass(frozen=True, slots=True)
class Recalled:
    """A conversation with its answers, one for each turn but the last if `running` is the job that still answers it."""

    conversation: Conversation
    answers: list[Answer]
    running: str | None


async def recall(service: Service, client: Client, conversation_id: str) -> Recalled:
    """Read a conversation, and settle what has been answered since. Raises `ClientError` `conversation_not_found`."""
    conversation = await service.conversations.read(client.owner, conversation_id)
    running = None
    if conversation.settled < len(conversation.turns):
        conversation, running = await _settled(service, client, conversation)
    with lost_if_garbled():
        answers = [_answer.decode(turn.answer) for turn in conversation.turns if turn.answer is not None]
    return Recalled(conversation, answers, running)


async def _settled(service: Service, client: Client, conversation: Conversation) -> tuple[Conversation, str | None]:
    *turns, last = conversation.turns
    answer = await answer_of(service.log, last.job_id)
    if answer is None:
        return conversation, last.job_id
    told = msgspec.json.encode(answer)
    await service.conversations.settle(
        conversation.id, last, told, client.keep_detached_s or service.jobs.keep_detached_s
    )
    return replace(conversation, turns=[*turns, replace(last, answer=told)]), None


def prompt(recalled: Recalled, message: str) -> list[dict[str, str]]:
    """The `messages` that continue a conversation: words alone, which every model takes.

    Raises `ClientError` `conversation_full`.
    """
    turns = recalled.conversation.turns
    messages: list[dict[str, str]] = []
    for turn, answer in zip(turns, recalled.answers, strict=False):
        if answer.error_code == "upstream_error" and not answer.text.strip():
            continue  # refused as it stood: with it, whatever comes later would be, too
        messages.append({"role": "user", "content": turn.message})
        if answer.text.strip():  # the API takes no empty message, and two of the user behind each other
            messages.append({"role": "assistant", "content": answer.text.rstrip()})
    messages.append({"role": "user", "content": message})
    if len(turns) >= MOST_TURNS or sum(len(said["content"].encode()) for said in messages) > _MOST_BYTES:
        raise ClientError("conversation_full")
    return messages


def head_view(head: Head) -> Json:
    """A conversation in a list."""
    return {
        "id": head.id,
        "title": head.title,
        "assistant": head.assistant or None,
        "created_at": shown_time(head.created_us),
        "updated_at": shown_time(head.updated_us),
    }


def conversation_view(recalled: Recalled) -> Json:
    """A conversation with its messages, and what is still being answered."""
    messages: list[Json] = []
    for number, turn in enumerate(recalled.conversation.turns):
        messages.append({"role": "user", "content": turn.message, "job_id": turn.job_id, "state": "complete"})
        if number < len(recalled.answers):
            messages.append(_answer_view(turn, recalled.answers[number]))
    job_id = recalled.running
    running = {"job_id": job_id, "events_url": f"/v1/jobs/{job_id}/events"} if job_id else None
    head = head_view(recalled.conversation.head)
    return head | {"type": "conversation", "messages": messages, "running": running}


def _answer_view(turn: Turn, answer: Answer) -> Json:
    return {
        "role": "assistant",
        "content": answer.content,
        "job_id": turn.job_id,
        "state": answer.state,
        "stop_reason": answer.stop_reason,
        "error_code": answer.error_code,
    }
