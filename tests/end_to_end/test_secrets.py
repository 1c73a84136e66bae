"""What nobody may read: keys, tokens, prompts and answers are not in logs, metrics, or Redis where they do not belong.

A cluster that logs all it has to say, as JSON, is asked with marked words, and everything is made to fail that can: the
upstream in all its ways, quoting what it was asked; the code itself, by an exception that quotes; Redis; a worker.
`docs/security.md` says where prompts and answers are kept; it is tested here.
"""

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.api import LIMIT_S, VERSION, Api, is_content
from tests.support.cluster import Cluster, Ground
from tests.support.facts import fact
from tests.support.quoting_upstream import QuotingUpstream

KEY = "mark-client-key"
OTHER_KEY = "mark-foreign-key"
PROMPT = "mark-prompt"
ANSWER = "mark-answer"
IDEMPOTENCY = "mark-idempotency"
QUERY = "mark-query"
UPSTREAM_KEY = "mark-upstream-key"
PASSWORD = "mark-password"
PLACE = "mark-place"
MARKS = (KEY, OTHER_KEY, PROMPT, ANSWER, IDEMPOTENCY, QUERY, UPSTREAM_KEY, PASSWORD, PLACE)
# What may be written where; of all other keys nothing may hold any mark. The owner is a digest of the client's key.
HELD = {"body": {PROMPT}, "job": {PROMPT, QUERY}, "log": {PROMPT, ANSWER}}

# A defect of the gateway and one of the worker, each with an exception that quotes what it was about.
_DEFECTS = """
import streamlog.bodies
from streamlog.writer import Writer

store, write = streamlog.bodies.store, Writer.write

def broken_store(line, key, body, life_ms):
    if b"do:gateway-defect" in body:
        raise LookupError(body.decode())
    return store(line, key, body, life_ms)

async def broken_write(self, events, **how):
    if any(b"BREAK" in event for event in events):
        raise ValueError(events)
    return await write(self, events, **how)

streamlog.bodies.store = broken_store
Writer.write = broken_write
"""


@pytest.fixture(scope="module")
def grounds() -> Iterator[Ground]:
    """A server of this file's own, for it is killed; its user has a password."""
    ground = Ground()
    yield ground
    ground.close()


def _let_in(ground: Ground) -> str:
    """The address of the server, with the password in it."""
    with ground.client() as admin:
        admin.execute_command("ACL", "SETUSER", "sluice", "on", f">{PASSWORD}", "~*", "&*", "+@all")
    return f"{ground.server.url}?username=sluice&password={PASSWORD}"


@pytest.fixture
async def cluster(grounds: Ground, tmp_path: Path) -> AsyncIterator[Cluster]:
    (tmp_path / "sitecustomize.py").write_text(_DEFECTS)
    path = os.pathsep.join((str(tmp_path), *filter(None, (os.environ.get("PYTHONPATH"),))))
    loud = {"SLUICE_LOG_LEVEL": "DEBUG", "SLUICE_LOG_JSON": "1", "ANTHROPIC_LOG": "debug", "PYTHONPATH": path}
    times = {"SLUICE_LEASE_S": 1, "SLUICE_UPSTREAM_IDLE_S": 10, "SLUICE_REDIS_TIMEOUT_S": 2, "SLUICE_HOLD_S": 1}
    async with QuotingUpstream(ANSWER).listening() as upstream:
        cluster = Cluster(grounds, REDIS_URL=_let_in(grounds), SLUICE_API_KEYS=KEY, **loud, **times)
        try:
            own = {"ANTHROPIC_API_KEY": UPSTREAM_KEY, "ANTHROPIC_BASE_URL": upstream.url}
            started = asyncio.gather(
                asyncio.to_thread(cluster.add_gateway), asyncio.to_thread(cluster.add_workers, 2, **own)
            )
            await started
            yield cluster
            assert UPSTREAM_KEY in upstream.keys
        finally:
            cluster.close()


def _body(do: str = "", **more: Any) -> dict[str, Any]:
    content = f"{PROMPT} do:{do}" if do else PROMPT
    return {"model": "claude-x", "max_tokens": 9, "messages": [{"role": "user", "content": content}], **more}


async def test_no_mark_is_found_where_it_does_not_belong(cluster: Cluster) -> None:
    """In what any process has said, in any metric, in any key of Redis but those that hold it by intent."""
    async with Api(cluster.url, KEY) as api:
        await _ask_in_all_ways(api)
        async with api.stream(_body("hang", stream=True)) as stream:
            await stream.until(is_content)
            held = _held(cluster)
            cluster.workers[0].kill()
            cluster.workers[1].kill()
            metrics = [(await api.send("GET", "/metrics")).text]
            own = {"ANTHROPIC_API_KEY": UPSTREAM_KEY, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
            third = await asyncio.to_thread(cluster.add_worker, **own)
            events = await stream.rest()
            assert events[-1].error_code == "worker_lost"
        await _lose_redis(cluster, api)
        held_after = _held(cluster)
        for url in (cluster.url, third.url):
            async with Api(url, KEY) as observed:
                metrics.append((await observed.send("GET", "/metrics")).text)
    assert held == HELD
    assert {kind for kind in held_after if kind not in HELD} == set()
    assert [mark for mark in MARKS for page in metrics if mark in page] == []
    for process in (*cluster.gateways, *cluster.workers):
        assert '"level"' in process.log, "it has said nothing"
        lines = [line for line in process.log.splitlines() if any(mark in line for mark in MARKS)]
        assert lines == [], lines[0]
    whole = "".join(process.log for process in (*cluster.gateways, *cluster.workers))
    assert "LookupError" in whole
    assert "ValueError" in whole


async def _ask_in_all_ways(api: Api) -> None:
    """Good calls, and bad ones of every kind; none may be answered with less than an answer."""
    words = {"idempotency-key": IDEMPOTENCY, "anthropic-beta": PLACE.replace("mark", "m")}
    told = {}
    ways = ("", "whole", "refuse", "refuse-in-html", "no-json", "no-http", "error-event", "garbled", "cut")
    for do in (*ways, "gateway-defect", "worker-defect"):
        stream = do not in ("whole", "no-json")
        # After a defect the server closes the connection.
        last = {"connection": "close"} if do == "gateway-defect" else {}
        response = await api.send(
            "POST", "/v1/messages", params={"q": QUERY}, headers=last, json=_body(do, stream=stream)
        )
        told[do] = response.status_code
    assert told[""] == told["whole"] == 200
    assert {told["refuse"], told["refuse-in-html"], told["gateway-defect"], told["worker-defect"]} == {400, 403, 500}
    await api.send("POST", "/v1/jobs", params={"q": QUERY}, headers=words, json=_body())
    await api.send("POST", "/v1/jobs", params={"q": QUERY}, headers=words, json=_body("conflict"))
    await api.send("POST", "/v1/messages/count_tokens", json=_body())
    for body in (PROMPT, f'{{"model": {PROMPT}', f'{{"model": "{PROMPT}"}}', "[" * 5000 + PROMPT):
        response = await api.send("POST", "/v1/messages", content=body)
        assert response.status_code == 400
    for path in (f"/v1/{PLACE}", f"/v1/jobs/{PLACE}", f"/v1/jobs/{PLACE}/events?after={PLACE}", f"/v1/models/{PLACE}!"):
        response = await api.send("GET", path, params={"q": QUERY})
        assert response.status_code in (400, 404)
    for headers in ({"x-api-key": OTHER_KEY}, {"idempotency-key": IDEMPOTENCY * 50}, {"x": QUERY * 10_000}):
        response = await api.send("POST", "/v1/messages", headers=headers, json=_body())
        assert response.status_code in (400, 401, 431)
    async with httpx2.AsyncClient(base_url=str(api._http.base_url), timeout=LIMIT_S, trust_env=False) as plain:
        bearer = {**VERSION, "authorization": f"Bearer {KEY}"}
        assert (await plain.post("/v1/messages", headers=bearer, json=_body(stream=True))).status_code == 200
        foreign = {**VERSION, "authorization": f"Bearer {OTHER_KEY}"}
        assert (await plain.post("/v1/messages", headers=foreign, json=_body())).status_code == 401


def _held(cluster: Cluster) -> dict[str, set[str]]:
    """Which marks are in which kind of key, in its name or in what it holds."""
    found: dict[str, set[str]] = {}
    with cluster.ground.client() as client:
        for key in client.scan_iter("*"):
            raw: bytes = key + repr(_value(client, key)).encode()
            marks = {mark for mark in MARKS if mark.encode() in raw}
            if marks:
                name = key.decode().removeprefix(cluster.prefix)
                found.setdefault(re.split(r":(?=job_)", name)[0], set()).update(marks)
    return found


def _value(client: Any, key: bytes) -> object:
    match client.type(key):
        case b"string":
            return client.get(key)
        case b"hash":
            return client.hgetall(key)
        case b"list":
            return client.lrange(key, 0, -1)
        case b"zset":
            return client.zrange(key, 0, -1, withscores=True)
    return client.xrange(key)


async def _lose_redis(cluster: Cluster, api: Api) -> None:
    """Redis is killed, returns without the user, then with him."""
    server = cluster.ground.server
    server.kill()
    with contextlib.suppress(httpx2.HTTPError):
        await api.send("POST", "/v1/messages", json=_body(stream=True))
    await asyncio.to_thread(server.start)
    await _answers(api, 503)
    _let_in(cluster.ground)
    await _answers(api, 200)


async def _answers(api: Api, status: int) -> None:
    async def answers() -> bool | None:
        return (await api.send("GET", "/readyz")).status_code == status or None

    await fact(answers, 10.0)
