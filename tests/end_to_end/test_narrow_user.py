"""docs/security.md: the user that it shows may do all that Sluice does, and the page names every key."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streamlog.keys import Keys
from tests.support.api import Api, body, is_content
from tests.support.cluster import Cluster, Ground

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "security.md").read_text()


@pytest.fixture
async def cluster(ground: Ground) -> AsyncIterator[Cluster]:
    """Gateway and workers as the user of the page, but for the prefix."""
    (command,) = re.findall(r"^ACL SETUSER sluice .*$", PAGE, re.MULTILINE)
    url = f"{ground.server.url}?username=narrow&password=a-long-password"
    cluster = Cluster(ground, REDIS_URL=url, SLUICE_LEASE_S=1, SLUICE_LOG_LEVEL="INFO")
    with ground.client() as admin:
        words = command.replace("SETUSER sluice ", "SETUSER narrow reset ").replace("sluice:", cluster.prefix).split()
        admin.execute_command(*words)
        try:
            await asyncio.gather(asyncio.to_thread(cluster.add_gateway), asyncio.to_thread(cluster.add_workers, 2))
            yield cluster
        finally:
            cluster.close()
            admin.execute_command("ACL", "DELUSER", "narrow")


async def test_the_narrow_user_may_do_all_that_is_needed(cluster: Cluster) -> None:
    """Streams, large bodies, jobs, conversations, their lists and removal, the end of a lost worker's job."""
    with cluster.ground.client() as admin:
        admin.execute_command("ACL", "LOG", "RESET")
        async with Api(cluster.url) as api, api.stream(body("text events=4000 tps=20")) as lost:
            await lost.until(is_content)
            stream = await api.answer(body("text events=5", prompt="x" * 600_000))
            assert stream.events[-1].name == "message_stop"
            await _jobs(api)
            for worker in cluster.workers:
                worker.kill()
            assert (await lost.rest())[-1].error_code == "worker_lost"
        denied = admin.execute_command("ACL", "LOG")
    assert [entry for entry in denied if b"narrow" in entry] == []


async def _jobs(api: Api) -> None:
    done, running = await api.submit(body("text events=3 tps=0")), await api.submit(body("text events=4000 tps=20"))
    assert (await api.ended(done))["state"] == "done"
    await api.followed(done)
    await api.cancel(running)
    assert (await api.send("GET", "/v1/jobs")).status_code == 200
    assert (await api.send("DELETE", f"/v1/jobs/{done}")).status_code == 200
    assert (await api.send("GET", "/v1/models")).status_code == 200
    conversation = (await api.send("POST", "/v1/conversations", json={})).json()["id"]
    path = f"/v1/conversations/{conversation}"
    asked = {"message": "[[sim:text events=3 tps=0]] Why?", "model": "claude-test"}
    assert (await api.send("POST", f"{path}/messages", json=asked)).status_code == 202
    assert (await api.send("GET", path)).status_code == 200
    assert (await api.send("GET", "/v1/conversations")).status_code == 200
    assert (await api.send("DELETE", path)).status_code == 200
    assert (await api.send("GET", "/readyz")).json()["workers"] == 2


def test_the_page_names_every_key() -> None:
    """What Redis holds is told in full."""
    table = PAGE[PAGE.index("| key | holds |") : PAGE.index("### A user for Sluice")]
    lua = Keys("at.").lua()
    tails = {key.removeprefix("at.") for key in re.findall(r"= '([^']+)'$", lua, re.MULTILINE)}
    assert len(tails) > 15
    assert {tail for tail in tails if f"`{tail}" not in table} == set()
