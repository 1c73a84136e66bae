"""gateway/conversations.py: what is said is remembered, in order, for its owner alone."""

import asyncio
import json
from typing import Any

import pytest

from tests.gateway.house import Hand, House, open_house
from tests.support import said
from tests.support.api import Api
from tests.support.valkey import Valkey

UNKNOWN = "conv_" + "x" * 22


async def _begin(api: Api, **fields: Any) -> str:
    response = await api.send("POST", "/v1/conversations", json=fields)
    assert response.status_code == 201, response.text
    conversation_id: str = response.json()["id"]
    return conversation_id


async def _say(api: Api, conversation_id: str, message: str = "Why?", **fields: Any) -> str:
    response = await _asked(api, conversation_id, message, **fields)
    assert response.status_code == 202, response.text
    job_id: str = response.json()["id"]
    return job_id


async def _asked(api: Api, conversation_id: str, message: str = "Why?", **fields: Any) -> Any:
    path = f"/v1/conversations/{conversation_id}/messages"
    return await api.send("POST", path, json={"message": message, **fields})


async def _read(api: Api, conversation_id: str) -> dict[str, Any]:
    response = await api.send("GET", f"/v1/conversations/{conversation_id}")
    assert response.status_code == 200, response.text
    read: dict[str, Any] = response.json()
    return read


async def _body(house: House, hand: Hand) -> Any:
    return json.loads(await house.world.log.body(hand.job_id) or b"null")


async def _answer(house: House, *words: str) -> Hand:
    hand = await house.claimed()
    await hand.says(*said.answer(*words), mark="done")
    return hand


async def test_what_was_said_before_is_told_to_claude(house: House) -> None:
    """Each message with all before it; the answers are whole, whichever chunks they came in."""
    conversation_id = await _begin(house.api)
    first = await _say(house.api, conversation_id, "Why is the sky blue?", max_tokens=7, model="claude-a")
    hand = await house.claimed()
    assert hand.job_id == first
    assert await _body(house, hand) == {
        "model": "claude-a",
        "max_tokens": 7,
        "messages": [{"role": "user", "content": "Why is the sky blue?"}],
        "stream": True,
    }
    await hand.says(*said.answer("Short ", "waves."), mark="done")
    await _say(house.api, conversation_id, "And red?")
    hand = await house.claimed()
    assert (await _body(house, hand))["messages"] == [
        {"role": "user", "content": "Why is the sky blue?"},
        {"role": "assistant", "content": "Short waves."},
        {"role": "user", "content": "And red?"},
    ]


async def test_a_conversation_as_it_is_read(house: House) -> None:
    """While an answer is coming it says where; afterwards the answer is there, with what it came from."""
    conversation_id = await _begin(house.api)
    job_id = await _say(house.api, conversation_id, "  Why\nnot? ")
    read = await _read(house.api, conversation_id)
    asked = {"role": "user", "content": "  Why\nnot? ", "job_id": job_id, "state": "complete"}
    assert (read["type"], read["title"], read["assistant"]) == ("conversation", "Why not?", None)
    assert (read["messages"], read["running"]) == (
        [asked],
        {"job_id": job_id, "events_url": f"/v1/jobs/{job_id}/events"},
    )
    await _answer(house, "Because.")
    read = await _read(house.api, conversation_id)
    assert read["running"] is None
    assert read["messages"] == [
        asked,
        {
            "role": "assistant",
            "content": [{"type": "text", "text": "Because."}],
            "job_id": job_id,
            "state": "complete",
            "stop_reason": "end_turn",
            "error_code": None,
        },
    ]
    assert await _read(house.api, conversation_id) == read


async def test_an_answer_is_there_when_its_job_is_gone(house: House) -> None:
    """It was settled when it was read; its job may be removed then."""
    conversation_id = await _begin(house.api)
    job_id = await _say(house.api, conversation_id)
    await _answer(house, "Because.")
    before = await _read(house.api, conversation_id)
    assert (await house.api.send("DELETE", f"/v1/jobs/{job_id}")).status_code == 200
    assert await _read(house.api, conversation_id) == before


async def test_an_interrupted_answer_is_marked(house: House) -> None:
    """What had been said by then is kept, and told to Claude; what broke off before a word leaves none."""
    conversation_id = await _begin(house.api)
    await _say(house.api, conversation_id, "One?")
    hand = await house.claimed()
    await hand.says(said.start(), said.BLOCK, said.text("Half an "))
    await house.api.cancel(hand.job_id)
    await _say(house.api, conversation_id, "Two?")
    hand = await house.claimed()
    await house.api.cancel(hand.job_id)
    await _say(house.api, conversation_id, "Three?")
    messages = (await _read(house.api, conversation_id))["messages"]
    assert [(one["role"], one["state"], one.get("error_code")) for one in messages] == [
        ("user", "complete", None),
        ("assistant", "interrupted", "cancelled"),
        ("user", "complete", None),
        ("assistant", "interrupted", "cancelled"),
        ("user", "complete", None),
    ]
    assert messages[1]["content"] == [{"type": "text", "text": "Half an "}]
    assert messages[3]["content"] == []
    assert (await _body(house, await house.claimed()))["messages"] == [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "Half an"},
        {"role": "user", "content": "Two?"},
        {"role": "user", "content": "Three?"},
    ]


async def test_what_was_refused_is_not_told_again(house: House) -> None:
    """With it every later message would be refused as well."""
    conversation_id = await _begin(house.api)
    await _say(house.api, conversation_id, "Far too long")
    refusal = '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long"}}'
    fields = ("refusal", refusal, "response", '{"status": 400, "headers": {}}')
    await (await house.claimed()).says(said.error(), mark="failed", code="upstream_error", fields=fields)
    await _say(house.api, conversation_id, "Short?")
    assert (await _body(house, await house.claimed()))["messages"] == [{"role": "user", "content": "Short?"}]
    assert len((await _read(house.api, conversation_id))["messages"]) == 3


async def test_an_answer_whose_log_was_lost_is_interrupted(house: House) -> None:
    """A log without its ending is no complete answer, whatever the record says."""
    conversation_id = await _begin(house.api)
    job_id = await _say(house.api, conversation_id)
    hand = await house.claimed()
    await hand.says(said.start(), said.BLOCK, said.text("Half"))
    await hand.says(said.STOP, mark="done")
    (last,) = await house.world.call("XREVRANGE", house.world.keys.log(job_id), "+", "-", "COUNT", 1)
    await house.world.call("XDEL", house.world.keys.log(job_id), last[0])
    (_, answer) = (await _read(house.api, conversation_id))["messages"]
    assert (answer["state"], answer["error_code"]) == ("interrupted", "stream_lost")


async def test_two_messages_at_once(house: House) -> None:
    """One is taken, the other is refused by name; so is every other one until the answer has ended."""
    conversation_id = await _begin(house.api)
    answers = await asyncio.gather(*(_asked(house.api, conversation_id) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]
    refused = next(answer.json()["error"] for answer in answers if answer.status_code == 409)
    assert (refused["type"], refused["details"]) == ("invalid_request_error", {"error_code": "conversation_busy"})
    assert await house.queued() == 1
    await _answer(house, "Because.")
    assert (await _asked(house.api, conversation_id)).status_code == 202


async def test_a_message_sent_again_is_not_asked_twice(house: House) -> None:
    """With the same Idempotency-Key, while it runs and afterwards; another message with that key is refused."""
    conversation_id = await _begin(house.api)
    path = f"/v1/conversations/{conversation_id}/messages"
    key = {"idempotency-key": "once"}
    first = await house.api.send("POST", path, json={"message": "Why?"}, headers=key)
    again = await house.api.send("POST", path, json={"message": "Why?"}, headers=key)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    await _answer(house, "Because.")
    late = await house.api.send("POST", path, json={"message": "Why?"}, headers=key)
    assert (late.json()["id"], late.json()["state"]) == (first.json()["id"], "done")
    other = await house.api.send("POST", path, json={"message": "Why not?"}, headers=key)
    assert other.status_code == 422
    assert len((await _read(house.api, conversation_id))["messages"]) == 2


async def test_conversations_are_listed_and_removed(house: House) -> None:
    """Those answered last first, in pages; a removed one is gone with its jobs."""
    first, second, third = [await _begin(house.api, title=title) for title in ("1", "2", "3")]
    job_id = await _say(house.api, first)
    await _answer(house, "Because.")
    page = (await house.api.send("GET", "/v1/conversations?limit=2")).json()
    assert [row["id"] for row in page["data"]] == [first, third]
    assert set(page["data"][0]) == {"id", "title", "assistant", "created_at", "updated_at"}
    rest = (await house.api.send("GET", f"/v1/conversations?limit=2&page={page['next_page']}")).json()
    assert ([row["title"] for row in rest["data"]], rest["has_more"], rest["next_page"]) == (["2"], False, None)
    removed = await house.api.send("DELETE", f"/v1/conversations/{first}")
    assert removed.json() == {"id": first, "type": "conversation_removed"}
    for path in (f"/v1/conversations/{first}", f"/v1/jobs/{job_id}"):
        assert (await house.api.send("GET", path)).status_code == 404
    left = (await house.api.send("GET", "/v1/conversations")).json()["data"]
    assert [row["id"] for row in left] == [third, second]


async def test_whoever_follows_a_conversation_that_is_removed_is_told(house: House) -> None:
    """The answer that is coming is cancelled, and nothing is left of prompt and answer."""
    conversation_id = await _begin(house.api)
    job_id = await _say(house.api, conversation_id)
    hand = await house.claimed()
    await hand.says(said.start(), said.text("a"))
    async with house.api.follow(job_id) as following:
        await following.until(lambda event: event.name == "content_block_delta")
        assert (await house.api.send("DELETE", f"/v1/conversations/{conversation_id}")).status_code == 200
        *_, ending = await following.rest()
    assert ending.error_code == "cancelled"
    for part in (job_id, conversation_id):
        assert await house.world.call("KEYS", f"*{part}*") == []


async def test_a_stranger_finds_nothing(house: House) -> None:
    """The answer is that of an unknown id."""
    conversation_id = await _begin(house.api)
    async with Api(house.url, "another-key") as stranger:
        for known in (conversation_id, UNKNOWN, "nonsense"):
            tried = [await stranger.send(method, f"/v1/conversations/{known}") for method in ("GET", "DELETE")]
            tried.append(await _asked(stranger, known))
            told = [(answer.status_code, answer.json()["error"]["details"]["error_code"]) for answer in tried]
            assert told == [(404, "conversation_not_found")] * 3
        assert (await stranger.send("GET", "/v1/conversations")).json()["data"] == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "message: Field required"),
        ({"message": ""}, "message"),
        ({"message": ["a"]}, "message"),
        ({"message": "a", "max_tokens": 0}, "max_tokens"),
        ({"message": "a", "stream": True}, "stream"),
    ],
)
async def test_what_a_message_may_not_say(house: House, fields: dict[str, Any], told: str) -> None:
    """400, and the name of the field."""
    path = f"/v1/conversations/{await _begin(house.api)}/messages"
    response = await house.api.send("POST", path, json=fields)
    assert response.status_code == 400
    assert told in response.json()["error"]["message"]


async def test_a_message_has_its_limit(house: House) -> None:
    """It is an argument of a script, which a long one would make all others wait for."""
    response = await _asked(house.api, await _begin(house.api), "x" * ((1 << 20) + 1))
    assert (response.status_code, response.json()["error"]["type"]) == (413, "request_too_large")


async def test_a_conversation_lives_for_its_time_from_its_last_answer(valkey: Valkey) -> None:
    """And the answer's log as long, until it is settled."""
    async with open_house(valkey.url, conversation_keep_s=500, keep_detached_s=50) as house:
        conversation_id = await _begin(house.api)
        keys = house.world.keys
        assert 490_000 < await house.world.call("PTTL", keys.conversation(conversation_id)) <= 500_000
        job_id = await _say(house.api, conversation_id)
        await _answer(house, "Because.")
        for key in (keys.conversation(conversation_id), keys.log(job_id)):
            assert 490_000 < await house.world.call("PTTL", key) <= 500_000
        await _read(house.api, conversation_id)
        assert await house.world.call("PTTL", keys.log(job_id)) <= 50_000
        assert await house.world.call("PTTL", keys.conversation(conversation_id)) > 490_000


async def test_a_long_conversation_has_its_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said by name before anything is asked."""
    monkeypatch.setattr("gateway.memory.MOST_TURNS", 1)
    conversation_id = await _begin(house.api)
    await _say(house.api, conversation_id)
    await _answer(house, "Because.")
    response = await _asked(house.api, conversation_id)
    assert (response.status_code, response.json()["error"]["details"]["error_code"]) == (400, "conversation_full")
