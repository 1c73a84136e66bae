"""The words of the simulator's tests: how a call is made, and what has come back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import httpx2

from simulator.ask import Ask, read_ask

HEADERS = {"x-api-key": "a-key", "anthropic-version": "2023-06-01", "content-type": "application/json"}

Json = dict[str, Any]


def body(prompt: str = "Why is the sky blue?", **fields: Any) -> Json:
    """A Messages body that asks for an answer of a few words."""
    messages = [{"role": "user", "content": prompt}]
    return {"model": "claude-sonnet-5", "max_tokens": 10_000, "messages": messages, **fields}


def ask(prompt: str = "Why is the sky blue?", **fields: Any) -> Ask:
    """The same, as scenarios see it."""
    return read_ask(body(prompt, **fields))


@dataclass(frozen=True)
class Event:
    """One server-sent event of a whole stream."""

    name: str
    data: Json


def events_in(stream: bytes) -> list[Event]:
    """The events of a stream; the split is on LF and CR LF alone, as U+2028 and U+0085 are text."""
    found: list[Event] = []
    for raw in re.split(rb"(?:\r\n){2}|\n\n", stream):
        lines = re.split(rb"\r\n|\n", raw)
        fields = dict(line.split(b": ", 1) for line in lines if b": " in line)
        if b"event" in fields:
            found.append(Event(fields[b"event"].decode(), json.loads(fields[b"data"])))
    return found


async def streamed(http: httpx2.AsyncClient, prompt: str, **fields: Any) -> list[Event]:
    """The events of a call that streams."""
    response = await http.post("/v1/messages", json=body(prompt, stream=True, **fields))
    assert response.status_code == 200, response.text
    return events_in(response.content)


async def whole(http: httpx2.AsyncClient, prompt: str, **fields: Any) -> Json:
    """The message of a call that does not stream."""
    response = await http.post("/v1/messages", json=body(prompt, **fields))
    assert response.status_code == 200, response.text
    message: Json = response.json()
    return message


def text_of(events: list[Event]) -> str:
    """What the text deltas say together."""
    deltas = [event.data["delta"] for event in events if event.name == "content_block_delta"]
    return "".join(delta["text"] for delta in deltas if delta["type"] == "text_delta")


def names(events: list[Event]) -> list[str]:
    return [event.name for event in events]


async def calls(http: httpx2.AsyncClient) -> list[Json]:
    """The ledger's calls."""
    found: list[Json] = (await http.get("/simulator/calls")).json()
    return found
