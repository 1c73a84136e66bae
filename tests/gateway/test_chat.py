"""gateway/chat.py: words in, words out; a question is asked once, and every error is seen."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateway.app import build_app
from gateway.assistants import RESERVED
from tests.gateway.house import KEY, House, open_house
from tests.support import said
from tests.support.api import Api
from tests.support.event_source import EventSourceParser
from tests.support.facts import until
from tests.support.valkey import Valkey

EVENTS = {"accept": "text/event-stream"}
HR = "[assistants.hr]\nsystem = 'You are kind.'\nmodel = 'claude-hr'\nmax_tokens = 9\n"


@pytest.fixture
async def staffed(valkey: Valkey, tmp_path: Path) -> AsyncIterator[House]:
    """A house with an assistant, and one that is for others."""
    file = tmp_path / "assistants.toml"
    file.write_text(HR)
    async with open_house(valkey.url, assistants_file=str(file), grace_s=5.0) as house:
        yield house


class Listening:
    """An `EventSource` on one connection; `cut` ends it, and what has come stays in `parser`."""

    def __init__(self, house: House, path: str, last_id: str = "", **headers: str) -> None:
        self.parser = EventSourceParser(last_id=last_id)
        self.response: httpx2.Response | None = None
        came_back = {"last-event-id": last_id} if last_id else {}
        self._task = asyncio.create_task(self._read(house, path, EVENTS | {"x-api-key": KEY} | came_back | headers))

    async def _read(self, house: House, path: str, headers: dict[str, str]) -> None:
        async with (
            httpx2.AsyncClient(base_url=house.url, timeout=30, trust_env=False) as client,
            client.stream("GET", path, headers=headers) as response,
        ):
            self.response = response
            async for text in response.aiter_text():
                self.parser.feed(text)

    async def until(self, text: str) -> None:
        await until(lambda: self.parser.text == text)

    async def ended(self) -> EventSourceParser:
        async with asyncio.timeout(20):
            await self._task
        return self.parser

    async def cut(self) -> None:
        self._task.cancel()
        await asyncio.wait((self._task,))


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


async def test_an_error_in_mid_answer_is_seen_by_an_event_source(house: House) -> None:
    """As words, as an event with all that is known, and then the end: 204 for whoever asks again."""
    listening = Listening(house, "/chat?q=Why")
    hand = await house.claimed()
    await hand.says(said.start(), said.text("Half an "))
    await house.api.cancel(hand.job_id)
    parser = await listening.ended()
    names = [event for event, _, _ in parser.messages]
    assert names == ["message", "message", "error", "message"]
    assert parser.text.startswith("Half an \n\n[error: The job was cancelled. (request req_")
    assert json.loads(parser.messages[2][1])["error"]["details"]["error_code"] == "cancelled"
    again = Listening(house, "/chat?q=Why", parser.last_id)
    await again.ended()
    assert again.response is not None and again.response.status_code == 204
    assert await house.queued() == 0


async def test_a_cut_event_source_resumes_at_every_word(house: House) -> None:
    """Cut after each of its events, while the answer runs: all words once, one job, and 204 at the end."""
    listening = Listening(house, "/chat?q=Why")
    hand = await house.claimed()
    await until(lambda: listening.response is not None and listening.response.status_code == 200)
    whole = ""
    await hand.says(said.start(), said.BLOCK)
    for number in range(6):
        await hand.says(said.text(f" {number}\n"))
        await listening.until(f" {number}\n")
        whole += listening.parser.text
        await listening.cut()
        listening = Listening(house, "/chat?q=Why", listening.parser.last_id)
    await hand.says(said.BLOCK_END, said.STOP, mark="done")
    parser = await listening.ended()
    assert (whole + parser.text, parser.done) == (" 0\n 1\n 2\n 3\n 4\n 5\n", True)
    again = Listening(house, "/chat?q=Why", parser.last_id)
    await again.ended()
    assert again.response is not None and again.response.status_code == 204
    assert len((await house.api.send("GET", "/v1/jobs")).json()["data"]) == 1


async def test_an_event_source_that_was_cut_before_the_first_word(house: House) -> None:
    """It has the id from the head on, and without it joins the job that nobody watches any more."""
    listening = Listening(house, "/chat?q=Why")
    hand = await house.claimed()
    await until(lambda: listening.parser.last_id == f"{hand.job_id}:0-0")
    await listening.cut()
    await house.subscribers(0)
    resumed, joined = Listening(house, "/chat?q=Why", f"{hand.job_id}:0-0"), None
    await house.subscribers(1)
    await resumed.cut()
    await house.subscribers(0)
    joined = Listening(house, "/chat?q=Why")
    await house.subscribers(1)
    assert await house.queued() == 0
    await hand.says(*said.answer("Short ", "waves."), mark="done")
    assert (await joined.ended()).text == "Short waves."


async def test_two_who_ask_the_same_have_two_answers(house: House) -> None:
    """Joining is only for a job that nobody watches."""
    first, second = Listening(house, "/chat?q=Why"), Listening(house, "/chat?q=Why")
    for _ in range(2):
        await (await house.claimed()).says(*said.answer("a"), mark="done")
    assert [(await one.ended()).text for one in (first, second)] == ["a", "a"]


async def test_an_idempotency_key_in_the_address(house: House) -> None:
    """For whoever reloads the page: the answer from its first word, and nothing is asked again."""
    path = "/chat?q=Why&idempotency_key=once"
    first = Listening(house, path)
    await (await house.claimed()).says(*said.answer("Short"), mark="done")
    assert (await first.ended()).text == "Short"
    again = await Listening(house, path).ended()
    assert (again.text, await house.queued()) == ("Short", 0)


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


async def test_a_busy_conversation_is_seen_by_an_event_source(house: House) -> None:
    """In the stream; and the program that reads statuses has one."""
    begun = (await house.api.send("POST", "/v1/conversations")).json()["id"]
    await house.api.send("POST", f"/v1/conversations/{begun}/messages", json={"message": "One?"})
    parser = await Listening(house, f"/chat?q=Two&conversation_id={begun}").ended()
    assert json.loads(parser.messages[1][1])["error"]["details"]["error_code"] == "conversation_busy"
    assert (parser.done, parser.last_id) == (True, "end")
    refused = await house.api.send("GET", f"/chat?q=Two&conversation_id={begun}")
    assert refused.status_code == 409


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


async def test_no_worker_is_seen_by_an_event_source(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would never read a 529."""
    monkeypatch.setattr(type(house.service.fleet), "without_workers_s", 1e9)
    parser = await Listening(house, "/chat?q=Why").ended()
    assert parser.text.startswith("\n\n[error: No worker is running. (request req_")
    assert parser.done
    response = await house.api.send("POST", "/chat", json={"message": "Why?"})
    assert response.status_code == 529


async def test_an_answer_that_is_gone_is_said_and_not_asked_again(house: House) -> None:
    """The id that the stream ends with is answered with 204."""
    parser = await Listening(house, "/chat?q=Why", "job_" + "x" * 22 + ":7-1").ended()
    assert (parser.done, parser.last_id, await house.queued()) == (True, "end", 0)
    again = Listening(house, "/chat?q=Why", "end")
    await again.ended()
    assert again.response is not None and again.response.status_code == 204


async def test_nobody_resumes_what_is_anothers(house: House) -> None:
    """It is as gone to him as an unknown one."""
    listening = Listening(house, "/chat?q=Why")
    hand = await house.claimed()
    await hand.says(said.start(), said.text("secret"))
    await listening.until("secret")
    async with Api(house.url, "another-key") as stranger:
        headers = EVENTS | {"last-event-id": f"{hand.job_id}:0-0"}
        stolen = await stranger.send("GET", "/chat?q=Why", headers=headers)
    assert "secret" not in stolen.text and "job_not_found" in stolen.text
    await listening.cut()


async def test_a_drain_sends_an_event_source_elsewhere(house: House) -> None:
    """With a short `retry:` and no word that would be shown; elsewhere it goes on."""
    listening = Listening(house, "/chat?q=Why")
    hand = await house.claimed()
    await hand.says(said.start(), said.text("Half an "))
    await listening.until("Half an ")
    draining = asyncio.create_task(house.service.subscribers.drain(1.0))
    parser = await listening.ended()
    assert (parser.text, parser.done, parser.last_id) == ("Half an ", False, f"{hand.job_id}:{hand.claim.attempt}-2")
    await draining


def test_every_address_of_the_gateway_is_reserved(house: House) -> None:
    """An assistant of that name would never be asked."""
    paths = {getattr(route, "path", "").split("/")[1] for route in build_app(house.service).routes}
    assert {path for path in paths if path and not path.startswith("{")} <= RESERVED
