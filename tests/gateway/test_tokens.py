"""gateway/tokens.py: a token opens one stream, for a while, and nothing else."""

import logging
import time
from collections.abc import AsyncIterator

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from gateway.settings import GatewaySettings
from gateway.tokens import Tokens
from tests.gateway.house import MESSAGE, House, open_house
from tests.support import said
from tests.support.api import Api
from tests.support.valkey import Valkey

_OF_OTHERS = ("httpx2", "httpcore2", "uvicorn")  # of the client, and of a log that `gateway.main` switches off
SECRET = "a secret of thirty-two characters"


@pytest.fixture
async def guarded(valkey: Valkey) -> AsyncIterator[House]:
    """A gateway that wants a key."""
    async with open_house(valkey.url, api_keys="client-key,other-key", token_secret=SECRET) as house:
        yield house


async def _signed(house: House) -> tuple[str, str]:
    """A finished job's id, and its signed address."""
    response = await house.api.send("POST", "/v1/jobs?sign=1&beta=true", json=MESSAGE)
    assert response.status_code == 202, response.text
    await (await house.claimed()).says(*said.answer("Short ", "waves."), mark="done")
    return response.json()["id"], response.json()["events_url"]


async def test_who_has_a_token_needs_no_key(guarded: House) -> None:
    """From the start and from a position; a page of any site may read it."""
    job_id, path = await _signed(guarded)
    async with Api(guarded.url, "") as stranger:
        followed = await stranger.send("GET", path)
        assert (followed.status_code, b"waves." in followed.content) == (200, True)
        assert followed.headers["access-control-allow-origin"] == "*"
        last = [line[4:] for line in followed.text.split("\n") if line.startswith("id: ")][-1]
        end = await stranger.send("GET", path, headers={"last-event-id": last})
        assert (end.status_code, end.headers["access-control-allow-origin"]) == (204, "*")
        assert (await stranger.send("GET", f"/v1/jobs/{job_id}/events")).status_code == 401


async def test_an_outage_is_told_to_a_page_of_any_site_too(guarded: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its `EventSource` would give up for good."""
    _, path = await _signed(guarded)

    async def unreachable(*_: object) -> None:
        raise RedisConnectionError("gone")

    monkeypatch.setattr(guarded.service.log, "record", unreachable)
    async with Api(guarded.url, "") as stranger:
        response = await stranger.send("GET", path)
    assert "redis_unavailable" in response.text
    assert response.headers["access-control-allow-origin"] == "*"


async def test_what_says_how_to_sign_does_not_travel(guarded: House) -> None:
    """The rest of the query does."""
    job_id, _ = await _signed(guarded)
    assert (await guarded.world.record(job_id)).path == "/v1/messages?beta=true"


async def test_a_token_opens_nothing_else(guarded: House) -> None:
    """Neither another job, nor another address of this one; all answers are the same as for an unknown job."""
    job_id, path = await _signed(guarded)
    token = path.partition("?token=")[2]
    other, _ = await _signed(guarded)
    expires, _, mac = token.partition("-")
    later = f"{int(expires) + 1}-{mac}"
    swapped = f"{expires}-{mac[1:]}{mac[0]}"
    tried = [(other, token), (job_id, later), (job_id, swapped), (job_id, mac), (job_id, ""), ("nonsense", token)]
    tried += [(job_id, f"{expires}-"), (job_id, f"-{mac}"), (job_id, f"0{token}"), (job_id, f"{token}=")]
    async with Api(guarded.url, "") as stranger:
        for wanted, shown in tried:
            answer = await stranger.send("GET", f"/v1/jobs/{wanted}/events", params={"token": shown})
            assert (answer.status_code, answer.json()["error"]["details"]["error_code"]) == (404, "job_not_found")
        for method, place in (("GET", ""), ("POST", "/cancel"), ("DELETE", "")):
            closed = await stranger.send(method, f"/v1/jobs/{job_id}{place}", params={"token": token})
            assert closed.status_code == 401, f"{method} {place}"


async def test_a_token_that_is_wrong_is_not_made_good_by_a_key(guarded: House) -> None:
    """One is asked for: what is shown decides."""
    job_id, _ = await _signed(guarded)
    answer = await guarded.api.send("GET", f"/v1/jobs/{job_id}/events?token=wrong")
    assert answer.status_code == 404


async def test_a_token_expires(guarded: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """And can be had anew by who has the key, of his own jobs only."""
    job_id, path = await _signed(guarded)
    later = time.time() + 601
    monkeypatch.setattr(time, "time", lambda: later)
    async with Api(guarded.url, "") as stranger:
        assert (await stranger.send("GET", path)).status_code == 404
        view = (await guarded.api.send("GET", f"/v1/jobs/{job_id}?sign=1")).json()
        assert (await stranger.send("GET", view["events_url"])).status_code == 200
    async with Api(guarded.url, "other-key") as another:
        assert (await another.send("GET", f"/v1/jobs/{job_id}?sign=1")).status_code == 404


async def test_an_answer_of_a_conversation_can_be_signed(guarded: House) -> None:
    """As that of any job."""
    begun = (await guarded.api.send("POST", "/v1/conversations")).json()["id"]
    path = f"/v1/conversations/{begun}/messages?sign=1"
    said_there = await guarded.api.send("POST", path, json={"message": "Why?"})
    await (await guarded.claimed()).says(*said.answer("Short"), mark="done")
    async with Api(guarded.url, "") as stranger:
        assert b"Short" in (await stranger.send("GET", said_there.json()["events_url"])).content


async def test_gateways_without_a_secret_share_one_in_redis(house: House) -> None:
    """Made by the first that needs it; without one nothing is opened."""
    settings, line, keys = GatewaySettings(), house.service.line, house.world.keys
    first, second = Tokens(settings, line, keys), Tokens(settings, line, keys)
    forged = Tokens(GatewaySettings(token_secret="x" * 32), line, keys)
    assert not await second.opens(await forged.sign("job"), "job")
    token = await first.sign("job")
    assert await second.opens(token, "job") and not await second.opens(await forged.sign("job"), "job")
    await house.world.call("DEL", keys.token_secret)
    assert not await second.opens(token, "job")
    assert await first.opens(await second.sign("job"), "job")


async def test_an_empty_secret_is_no_secret(house: House) -> None:
    """Whoever signs with nothing opens nothing."""
    tokens = Tokens(GatewaySettings(), house.service.line, house.world.keys)
    await house.world.call("SET", house.world.keys.token_secret, "")
    assert not await tokens.opens(await tokens.sign("job"), "job")


def test_a_short_secret_is_refused_and_not_shown(house: House) -> None:
    """What is told is read by many."""
    with pytest.raises(ValueError, match="fewer than 32 characters") as refused:
        Tokens(GatewaySettings(token_secret="hunter2"), house.service.line, house.world.keys)
    assert "hunter2" not in str(refused.value)


async def test_a_token_is_written_nowhere(guarded: House, caplog: pytest.LogCaptureFixture) -> None:
    """Neither when it is made nor when it is refused; nor is it in Redis."""
    with caplog.at_level(logging.DEBUG):
        job_id, path = await _signed(guarded)
        token = path.partition("?token=")[2]
        async with Api(guarded.url, "") as stranger:
            for shown in (path, path + "x", f"/nowhere?token={token}", f"/v1/jobs/{job_id}?token={token}"):
                answer = await stranger.send("GET", shown)
                assert token not in answer.text
    ours = [record.getMessage() for record in caplog.records if record.name.split(".")[0] not in _OF_OTHERS]
    assert token not in "".join(ours)
    for key in await guarded.world.call("KEYS", f"{guarded.world.keys.prefix}*"):
        assert token.encode() not in (await guarded.world.call("DUMP", key) or b"")
