"""Conversations: messages in order, each answered by a job, kept in Redis for a while.

Invariant: one message at a time is being answered, whoever asks. An answer is what its job's log says, and is complete
in Redis when the job ends, since the log ends with it and lives as long as the conversation: no listener and no gateway
has to be there. It is written into the conversation once, by whoever needs it next (`settle`).
Does not know: HTTP, prompts, what an answer means. `docs/decisions/0007-the-log-is-the-answer.md` says why.
"""

import re
import secrets
from collections.abc import Awaitable
from dataclasses import dataclass

from streamlog.errors import ClientError
from streamlog.garbled import lost_if_garbled
from streamlog.jobs import Quota, Request, Terms
from streamlog.keys import Keys
from streamlog.line import Line
from streamlog.log import Placed, StreamLog
from streamlog.scripts import Argument
from streamlog.settings import JobSettings

CONVERSATION_ID = re.compile(r"conv_[A-Za-z0-9_-]{22}")
_SHOWN = ("title", "assistant", "created_us", "updated_us")


@dataclass(frozen=True, slots=True)
class Turn:
    """A message and the job that answers it. `answer` is JSON, None until it is settled."""

    number: int
    message: str
    job_id: str
    answer: bytes | None


@dataclass(frozen=True, slots=True)
class Head:
    """What a list shows of a conversation. Redis times in microseconds."""

    id: str
    title: str
    assistant: str
    created_us: int
    updated_us: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as it was at one moment."""

    owner: str
    head: Head
    turns: list[Turn]

    @property
    def id(self) -> str:
        return self.head.id

    @property
    def settled(self) -> int:
        """How many turns have their answers: all, or all but the last."""
        return sum(turn.answer is not None for turn in self.turns)


@dataclass(frozen=True, slots=True)
class HeadPlace:
    """A place in an owner's list: behind the conversation with this id, updated at this time in microseconds."""

    updated_us: int
    id: str


@dataclass(frozen=True, slots=True)
class HeadPage:
    """A page of a list, those updated last first; `after` is where the next one begins, None at the end."""

    heads: list[Head]
    after: HeadPlace | None


class ConversationMoved(Exception):
    """Another turn has been answered since the conversation was read: read it again."""


class Conversations:
    """Raises redis-py's errors when Redis cannot be reached in time (`redis_link.LINK_ERRORS`)."""

    def __init__(self, line: Line, keys: Keys, settings: JobSettings) -> None:
        self._line = line
        self._keys = keys
        self._settings = settings

    async def begin(self, owner: str, title: str, assistant: str, keep_s: float) -> Conversation:
        """A new one without turns, kept for `keep_s` unless something is said."""
        conversation_id = "conv_" + secrets.token_urlsafe(16)
        now_us = int(
            await self._line.script("converse", conversation_id, owner, title, assistant, max(1, int(keep_s * 1000)))
        )
        return Conversation(owner, Head(conversation_id, title, assistant, now_us, now_us), [])

    async def read(self, owner: str, conversation_id: str) -> Conversation:
        """Raises `ClientError` `conversation_not_found`, the same for one that is unknown and one of another owner,
        and `InternalError` `stream_lost` for one that is not ours."""
        if not CONVERSATION_ID.fullmatch(conversation_id):
            raise ClientError("conversation_not_found")
        with lost_if_garbled():
            flat: list[bytes] = await self._line.command("HGETALL", self._keys.conversation(conversation_id))
            fields = dict(zip(flat[::2], flat[1::2], strict=True))
            if fields.get(b"owner", b"").decode() != owner or not fields:
                raise ClientError("conversation_not_found")
            head = _head(conversation_id, *(fields[name.encode()] for name in _SHOWN))
            return Conversation(owner, head, [_turn(fields, n + 1) for n in range(int(fields[b"turns"]))])

    async def say(self, conversation: Conversation, message: str, title: str, request: Request, terms: Terms) -> Placed:
        """Put a job into the queue that answers `message`; `title` for a conversation that has none.

        Raises as `StreamLog.submit` does, `ClientError` `conversation_busy` while another message is being answered,
        and `ConversationMoved`.
        """
        turn = (conversation.id, conversation.settled, message, title)
        return await _Said(self._line, self._keys, self._settings, *turn).submit(request, terms)

    async def settle(self, conversation_id: str, turn: Turn, answer: bytes, keep_s: float) -> None:
        """Write the answer of an ended job into its conversation, if it is not there yet; keep the log for `keep_s`."""
        with lost_if_garbled():
            await self._line.script(
                "settle", conversation_id, turn.number, turn.job_id, answer, max(1, int(keep_s * 1000))
            )

    async def listed(self, owner: str, most: int, after: HeadPlace | None = None) -> HeadPage:
        """At most `most` of the newest 10,000 conversations of an owner."""
        behind = (after.updated_us, after.id) if after else ("", "")
        found, *rest = await self._line.script("conversations", owner, *behind, most, *_SHOWN)
        with lost_if_garbled():
            heads = [_head(conversation_id.decode(), *values) for conversation_id, *values in found]
            return HeadPage(heads, HeadPlace(int(rest[0]), rest[1].decode()) if rest else None)

    async def forget(self, owner: str, conversation_id: str) -> str | None:
        """Remove a conversation; answers the job that has to be ended before, None once it is gone."""
        word, *job_id = await self._line.script("forget", conversation_id, owner)
        return job_id[0].decode() if word == b"lives" else None


class _Said(StreamLog):
    """A log whose submits are turns of one conversation."""

    def __init__(self, line: Line, keys: Keys, settings: JobSettings, *turn: Argument) -> None:
        super().__init__(line, keys, settings)
        self._turn = turn

    def _submitted(self, *submit: Argument) -> Awaitable[list[bytes]]:
        answer: Awaitable[list[bytes]] = self._line.script("say", *self._turn, *submit)
        return answer

    def _refuse(self, word: str, figure: int, quota: Quota) -> None:
        if word == "conversation_moved":
            raise ConversationMoved
        if word in ("conversation_busy", "conversation_not_found"):
            raise ClientError(word)
        super()._refuse(word, figure, quota)


def _head(conversation_id: str, *values: bytes) -> Head:
    title, assistant, created_us, updated_us = (value.decode() for value in values)
    return Head(conversation_id, title, assistant, int(created_us), int(updated_us))


def _turn(fields: dict[bytes, bytes], number: int) -> Turn:
    said, job = fields[b"said:%d" % number], fields[b"by:%d" % number]
    return Turn(number, said.decode(), job.decode(), fields.get(b"answer:%d" % number))
