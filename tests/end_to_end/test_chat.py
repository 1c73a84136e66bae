"""Assistants and conversations through real processes: asked once, and the whole answer, whatever dies in between."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from tests.support.api import Api, Stream, body, is_content
from tests.support.cluster import Cluster, Ground, started
from tests.support.event_source import EventSourceParser
from tests.support.facts import fact
from tests.support.process import Process

KEY = "client-key"
ASKED = "[[sim:text events=60 tps=40]] Why is the sky blue?"
EVENTS = {"accept": "text/event-stream"}
NODE = Path(__file__).resolve().parents[1] / "node"


@pytest.fixture(scope="module")
def model() -> str:
    """By its name the upstream's calls are known again."""
    return f"claude-{uuid4().hex}"


@pytest.fixture(scope="module")
def cluster(ground: Ground, model: str) -> Iterator[Cluster]:
    """Gateways that want a key, and know an assistant."""
    assistants = ground.directory / f"{model}.toml"
    assistants.write_text(f'[assistants.hr]\nsystem = "Be kind."\nmodel = "{model}"\nmax_tokens = 100000\n')
    with started(ground, SLUICE_API_KEYS=KEY, SLUICE_ASSISTANTS_FILE=assistants) as cluster:
        yield cluster


@pytest.fixture
async def api(cluster: Cluster) -> AsyncIterator[Api]:
    async with Api(cluster.url, KEY) as api:
        yield api


@pytest.fixture
async def victim(cluster: Cluster) -> AsyncIterator[Process]:
    """A gateway that will be killed."""
    gateway = await asyncio.to_thread(cluster.add_gateway)
    yield gateway
    if gateway in Process.living:
        await asyncio.to_thread(gateway.kill)


@pytest.fixture
async def whole(direct: Api) -> str:
    """The answer as the upstream itself gives it."""
    stream = await direct.answer(body("text events=60"))
    return "".join(event.json["delta"]["text"] for event in stream.events if is_content(event))


async def _calls(direct: Api, model: str) -> list[dict[str, Any]]:
    calls = (await direct.send("GET", "/simulator/calls", params={"limit": 1000})).json()
    return [call for call in calls if call["model"] == model]


async def _settled(api: Api, conversation_id: str) -> dict[str, Any]:
    """The conversation, once nothing of it is being answered."""

    async def read() -> dict[str, Any] | None:
        found: dict[str, Any] = (await api.send("GET", f"/v1/conversations/{conversation_id}")).json()
        return None if found["running"] else found

    return await fact(read, 20.0)


async def test_kill_of_the_gateway_in_mid_answer_of_a_conversation(
    api: Api, victim: Process, direct: Api, whole: str
) -> None:
    """The answer is in the conversation, whole and once, and the conversation goes on at another gateway."""
    model = f"claude-{uuid4().hex}"
    async with Api(victim.url, KEY) as doomed:
        conversation_id = (await doomed.send("POST", "/v1/conversations")).json()["id"]
        asked = {"message": ASKED, "conversation_id": conversation_id, "model": model}
        asking = asyncio.create_task(doomed.send("POST", "/chat", json=asked))
        running = (await fact(lambda: _running(api, conversation_id)))["job_id"]
        async with api.follow(running) as stream:
            await stream.until(is_content)
            victim.kill()
            busy = await api.send("POST", f"/v1/conversations/{conversation_id}/messages", json={"message": "?"})
            assert busy.status_code == 409
        with pytest.raises(Exception):  # noqa: B017 -- whatever its client makes of a dead gateway
            await asking
    question, answer = (await _settled(api, conversation_id))["messages"]
    assert (question["content"], question["job_id"]) == (ASKED, running)
    assert answer["content"] == [{"type": "text", "text": whole}]
    assert (answer["state"], answer["job_id"]) == ("complete", running)
    assert len(await _calls(direct, model)) == 1
    more = {"message": "[[sim:text events=3]] And red?", "model": model}
    assert (await api.send("POST", f"/v1/conversations/{conversation_id}/messages", json=more)).status_code == 202
    assert [one["state"] for one in (await _settled(api, conversation_id))["messages"]] == ["complete"] * 4
    first, second = await _calls(direct, model)
    assert second["body_size"] > first["body_size"] + len(whole)


async def _running(api: Api, conversation_id: str) -> dict[str, Any] | None:
    running: dict[str, Any] | None = (await api.send("GET", f"/v1/conversations/{conversation_id}")).json()["running"]
    return running


async def test_kill_of_the_gateway_under_an_event_source(
    api: Api, victim: Process, direct: Api, model: str, whole: str
) -> None:
    """It comes back elsewhere with its last id, has every word once, and 204 at the end; Claude was asked once."""
    path, parser = f"/hr/ask?question={quote(ASKED)}", EventSourceParser()
    before = len(await _calls(direct, model))
    async with Api(victim.url, KEY) as doomed, doomed._http.stream("GET", path, headers=EVENTS) as response:
        reads = response.aiter_text()
        while len(parser.messages) < 10:
            parser.feed(await anext(reads))
        victim.kill()
    while not parser.done:
        parser._rest, parser._data = "", []  # what came in part is lost
        headers = EVENTS | {"last-event-id": parser.last_id}
        async with api._http.stream("GET", path, headers=headers) as response:
            assert response.status_code == 200
            async for text in response.aiter_text():
                parser.feed(text)
    assert parser.text == whole
    assert (await api.send("GET", path, headers=EVENTS | {"last-event-id": parser.last_id})).status_code == 204
    assert len(await _calls(direct, model)) == before + 1


async def test_an_event_source_of_node_resumes_and_never_asks_again(shared: Cluster, direct: Api, whole: str) -> None:
    """Cut in the middle of events, up to four times; the package closes by itself at the 204."""
    if shutil.which("node") is None or not (NODE / "node_modules" / "eventsource").exists():
        pytest.skip("needs node and `npm ci` in tests/node")
    model = f"claude-{uuid4().hex}"
    url = f"{shared.url}/chat?q={quote(ASKED)}&model={model}"
    node = ["node", str(NODE / "ask.mjs"), url, "4"]
    done = await asyncio.to_thread(subprocess.run, node, cwd=NODE, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    *words, end = told["heard"]
    assert ("".join(words), end, told["code"]) == (whole, "[DONE]", 204)
    assert len(told["ids"]) >= 3 and told["ids"][0] is None and all(told["ids"][1:]), told["ids"]
    assert len(await _calls(direct, model)) == 1


async def test_a_browser_follows_what_a_back_end_has_asked(api: Api, cluster: Cluster) -> None:
    """Without a key, by the signed address, at any gateway; the token is in no log."""
    response = await api.send("POST", "/v1/jobs?sign=1", json=body("text events=5"))
    other = await asyncio.to_thread(cluster.add_gateway)
    path, token = response.json()["events_url"], response.json()["events_url"].partition("token=")[2]
    async with Api(other.url, "") as browser, browser._http.stream("GET", path) as followed:
        events = await Stream(followed).rest()
        assert events[-1].name == "message_stop"
        assert (await browser.send("GET", path[:-1] + ("a" if path[-1] != "a" else "b"))).status_code == 404
    assert token and all(token not in gateway.log for gateway in cluster.gateways)
