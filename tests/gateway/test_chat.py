"""gateway/chat.py: words in, words out, and every error is a status while that can be."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.app import build_app
from gateway.assistants import RESERVED
from tests.gateway.house import House, open_house
from tests.gateway.listening import EVENTS, Listening
from tests.support import said
from tests.support.event_source import EventSourceParser
from tests.support.valkey import Valkey

HR = "[assistants.hr]\nsystem = 'You are kind.'\nmodel = 'claude-hr'\nmax_tokens = 9\n"


@pytest.fixture
async def staffed(valkey: Valkey, tmp_path: Path) -> AsyncIterator[House]:
    """A house with an assistant, and one that is for others."""
    file = tmp_path / "assistants.toml"
    file.write_text(HR)
    async with open_house(valkey.url, assistants_file=str(file), grace_s=5.0) as house:
        yield house


async def _asked(house: House, job_id: str) -> Any:
    return json.loads(await house.world.log.body(job_id) or b"null")


async def test_an_answer_as_plain_text(house: House) -> None:
    """Chunk by chunk, with the job's id in the head, and nothing but the words."""
    asking = asyncio.create_task(house.api.send("POST", "/chat", json={"message": "Why?", "model": "claude-a"}))
    hand = await house.claimed()
    assert await _asked(house, hand.job_id) == {
        "model": "claude-a",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": "Why?"}],
        "stream": True,
    }
    await hand.says(said.start(), said.BLOCK, said.text("  Short\n"))
    await hand.says(said.text("waves."), said.BLOCK_END, said.STOP, mark="done")
    response = await asking
    assert (response.status_code, response.text) == (200, "  Short\nwaves.")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["sluice-job-id"] == hand.job_id


async def test_an_answer_as_events_where_accept_says_so(house: House) -> None:
    """For POST, too."""
    asking = asyncio.create_task(house.api.send("POST", "/chat", json={"message": "Why?"}, headers=EVENTS))
    hand = await house.claimed()
    await hand.says(*said.answer(" a", "\nb"), mark="done")
    response = await asking
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    parser = EventSourceParser()
    parser.feed(response.text)
    assert (parser.text, parser.done) == (" a\nb", True)


async def test_a_refusal_is_a_status_while_nothing_has_been_said(house: House) -> None:
    """The upstream's own, for those who read statuses."""
    for headers in ({}, EVENTS):
        asking = asyncio.create_task(house.api.send("POST", "/chat", json={"message": "Why?"}, headers=headers))
        hand = await house.claimed()
        refusal = json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
        fields = ("refusal", refusal, "response", '{"status": 529, "headers": {"content-type": "application/json"}}')
        await hand.says(said.error(), mark="failed", code="upstream_error", fields=fields)
        response = await asking
        assert (response.status_code, response.text) == (529, refusal)


async def test_an_error_in_mid_answer_is_seen_in_plain_text(house: House) -> None:
    """As its last line."""
    asking = asyncio.create_task(house.api.send("POST", "/chat", json={"message": "Why?"}))
    hand = await house.claimed()
    await hand.says(said.start(), said.text("Half an "))
    await house.api.cancel(hand.job_id)
    response = await asking
    begin = "Half an \n\n[error: The job was cancelled. (request req_"
    assert response.status_code == 200
    assert response.text.startswith(begin) and response.text.endswith(")]\n")


async def test_a_named_assistant(staffed: House) -> None:
    """It is asked with its own words, model and length."""
    listening = Listening(staffed, "/hr/ask?question=How%20many%20holidays%3F")
    hand = await staffed.claimed()
    assert await _asked(staffed, hand.job_id) == {
        "system": "You are kind.",
        "model": "claude-hr",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "How many holidays?"}],
        "stream": True,
    }
    await hand.says(*said.answer("30"), mark="done")
    parser = await listening.ended()
    assert [data for _, data, _ in parser.messages] == ["30", "[DONE]"]
    listed = (await staffed.api.send("GET", "/v1/assistants")).json()
    assert listed == {"data": [{"name": "hr", "title": "hr", "model": "claude-hr"}]}


async def test_an_assistant_in_a_conversation(staffed: House) -> None:
    """The conversation is the assistant's; another one cannot take over."""
    begun = await staffed.api.send("POST", "/v1/conversations", json={"assistant": "hr"})
    conversation_id = begun.json()["id"]
    for message in ("One?", "Two?"):
        body = {"message": message, "conversation_id": conversation_id}
        asking = asyncio.create_task(staffed.api.send("POST", "/chat", json=body))
        hand = await staffed.claimed()
        asked = await _asked(staffed, hand.job_id)
        assert (asked["system"], asked["model"]) == ("You are kind.", "claude-hr")
        await hand.says(*said.answer("Yes."), mark="done")
        assert (await asking).text == "Yes."
    assert [one["content"] for one in asked["messages"]] == ["One?", "Yes.", "Two?"]
    other = await staffed.api.send("POST", "/chat", json=body | {"assistant": "it"})
    assert (other.status_code, "another one" in other.text) == (400, True)


async def test_an_answer_in_a_conversation_needs_no_listener(house: House) -> None:
    """Who leaves finds it in the conversation."""
    begun = await house.api.send("POST", "/v1/conversations")
    listening = Listening(house, f"/chat?q=Why&conversation_id={begun.json()['id']}")
    hand = await house.claimed()
    await hand.says(said.start(), said.BLOCK, said.text("Short "))
    await listening.until("Short ")
    await listening.cut()
    await house.subscribers(0)
    await hand.says(said.text("waves."), said.BLOCK_END, said.STOP, mark="done")
    read = (await house.api.send("GET", f"/v1/conversations/{begun.json()['id']}")).json()
    assert read["messages"][1]["content"] == [{"type": "text", "text": "Short waves."}]
    assert read["messages"][1]["state"] == "complete"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/chat", {}, 400),
        ("/chat?q=a&max_tokens=none", {}, 400),
        ("/chat?q=a&idempotency_key=%F2%A4%AB%80", {}, 400),
        ("/chat?q=a", {"last-event-id": "nonsense"}, 400),
        ("/chat?q=a", {"sec-fetch-site": "cross-site"}, 403),
        ("/hr/ask", {}, 400),
        ("/nobody/ask?question=a", {}, 404),
        ("/v1/ask?question=a", {}, 404),
    ],
)
async def test_what_a_program_does_wrong_is_a_status(
    staffed: House, path: str, headers: dict[str, str], status: int
) -> None:
    """An `EventSource` stops for good, and its author finds the reason in the network log."""
    response = await staffed.api.send("GET", path, headers=EVENTS | headers)
    assert (response.status_code, response.json()["type"]) == (status, "error")


def test_every_address_of_the_gateway_is_reserved(house: House) -> None:
    """An assistant of that name would never be asked."""
    paths = {getattr(route, "path", "").split("/")[1] for route in build_app(house.service).routes}
    assert {path for path in paths if path and not path.startswith("{")} <= RESERVED
