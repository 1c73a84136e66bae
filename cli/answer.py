"""A streamed answer, event by event: its text, its usage, its end.

Invariant: it is complete only after `message_stop`; an error event is an exception, never a short answer. Events and
fields that are not known are passed over, as Claude's versioning asks of clients.
Does not know: where the events come from, what is done with the text.
"""

import json
import re
from typing import Any

# https://platform.claude.com/docs/en/api/messages: reasons that are the usual end of an answer.
_USUAL_ENDS = ("end_turn", "stop_sequence")
_INPUT_FIELDS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_WAITS = {"thinking": "thinking", "tool_use": "calling a tool", "server_tool_use": "the API uses a tool"}
_QUEUED = re.compile(r'"queue_position":\s*(\d+)')


class AnswerError(Exception):
    """The server refused, or the answer ended with an error; the message is for the user."""


class Answer:
    """Feed it events in order."""

    def __init__(self) -> None:
        self.begun = False
        self.complete = False
        self.stop_reason: str | None = None
        self.model = ""
        self.waits_for = "waiting"  # in words for the user; empty while text comes
        self.usage: dict[str, int] = {}
        self._parts: list[str] = []

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._parts)

    def take(self, event: str, data: str) -> str:
        """The text that this event adds, often none. Raises AnswerError for an error event or one that is no JSON."""
        match event:
            case "content_block_delta":
                return self._add(_fields(data).get("delta", {}))
            case "content_block_start":
                self.waits_for = _WAITS.get(_fields(data).get("content_block", {}).get("type", ""), "")
            case "message_start":
                self._begin(_fields(data).get("message", {}))
            case "ping":
                self._wait(data)
            case "message_delta":
                self._end(_fields(data))
            case "message_stop":
                self.complete = True
                self.waits_for = ""
            case "error":
                raise AnswerError(described(_fields(data)))
        return ""

    @property
    def tokens_in(self) -> int:
        """Input tokens, cached ones included (Claude counts these apart)."""
        return sum(self.usage.get(name, 0) for name in _INPUT_FIELDS)

    @property
    def tokens_out(self) -> int:
        """Output tokens as last reported."""
        return self.usage.get("output_tokens", 0)

    @property
    def stopped_early(self) -> str | None:
        """Why the model stopped, if it was not at the end of what it had to say."""
        return self.stop_reason if self.stop_reason not in (None, *_USUAL_ENDS) else None

    def _add(self, delta: dict[str, Any]) -> str:
        self.begun = True
        text = str(delta.get("text", "")).encode("utf-8", "replace").decode()  # JSON can name half a character
        if text:
            self._parts.append(text)
            self.waits_for = ""
        return text

    def _begin(self, message: dict[str, Any]) -> None:
        self.model = str(message.get("model", ""))
        self._count(message.get("usage"))

    def _wait(self, data: str) -> None:
        """A gateway's ping may tell how many jobs stand before this one."""
        before = _QUEUED.search(data)
        if before and not self.begun:
            self.waits_for = f"queued, {before[1]} before it"

    def _end(self, fields: dict[str, Any]) -> None:
        self.stop_reason = fields.get("delta", {}).get("stop_reason") or self.stop_reason
        self._count(fields.get("usage"))

    def _count(self, usage: dict[str, Any] | None) -> None:
        # Every report is the sum so far, and may leave out what did not change.
        self.usage.update({name: value for name, value in (usage or {}).items() if isinstance(value, int)})


def described(fields: dict[str, Any]) -> str:
    """An Anthropic error body in one line: type, message, and the id of the request, for a report."""
    error = fields.get("error")
    if not isinstance(error, dict):
        return "the server reported an error without saying which"
    request = f" (request {fields['request_id']})" if fields.get("request_id") else ""
    return f"{error.get('type', 'error')}: {error.get('message', 'no message')}{request}"


def _fields(data: str) -> dict[str, Any]:
    try:
        fields = json.loads(data)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise AnswerError(f"the server sent an event that is no JSON object: {data[:80]!r}")
    return fields
