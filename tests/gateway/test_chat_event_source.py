"""gateway/chat.py for an `EventSource`: a question is asked once, whatever is cut, and every error is seen."""

import asyncio
import json

import pytest

from tests.gateway.house import House
from tests.gateway.listening import EVENTS, Listening
from tests.support import said
from tests.support.api import Api
from tests.support.facts import until


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


async def test_a_busy_conversation_is_seen_by_an_event_source(house: House) -> None:
    """In the stream; and the program that reads statuses has one."""
    begun = (await house.api.send("POST", "/v1/conversations")).json()["id"]
    await house.api.send("POST", f"/v1/conversations/{begun}/messages", json={"message": "One?"})
    parser = await Listening(house, f"/chat?q=Two&conversation_id={begun}").ended()
    assert json.loads(parser.messages[1][1])["error"]["details"]["error_code"] == "conversation_busy"
    assert (parser.done, parser.last_id) == (True, "end")
    refused = await house.api.send("GET", f"/chat?q=Two&conversation_id={begun}")
    assert refused.status_code == 409


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
