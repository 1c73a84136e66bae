"""gateway/main.py, as its users start it: how it stops, and what it says."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clients import hashed
from tests.gateway.house import MESSAGE
from tests.streamlog.world import World
from tests.support import said
from tests.support.api import Api
from tests.support.facts import fact
from tests.support.process import Process, end_all
from tests.support.valkey import Valkey


@pytest.fixture
def started(tmp_path: Path, valkey: Valkey) -> Iterator["Starter"]:
    """Starts gateways; whatever of them still runs at the end is killed."""
    starter = Starter(tmp_path, valkey.url)
    yield starter
    end_all(starter.processes)


class Starter:
    """Gateway processes that share a server."""

    def __init__(self, directory: Path, redis_url: str) -> None:
        self.directory = directory
        self.redis_url = redis_url
        self.processes: list[Process] = []

    def __call__(self, **settings: object) -> Process:
        base = {"REDIS_URL": self.redis_url, "SLUICE_PORT": 0}
        process = Process.python(f"gateway-{len(self.processes)}", "gateway", base | settings, self.directory)
        self.processes.append(process)
        return process

    def ready(self, **settings: object) -> Process:
        """A gateway that listens."""
        process = self(**settings)
        process.url = process.said(r"gateway ready: (http://[^\s'\"]+)")[1]
        return process


async def test_sigterm_lets_messages_finish_and_exits_with_0(started: Starter, valkey: Valkey) -> None:
    """The answer is whole; while it drains new work gets 503; and nothing private was said."""
    async with World(valkey.url) as world:
        gateway = started.ready(SLUICE_PREFIX=world.keys.prefix, SLUICE_LOG_LEVEL="DEBUG")
        async with Api(gateway.url, "sk-ant-very-secret") as api:
            answering = asyncio.create_task(api.answer(MESSAGE))

            async def claimed() -> object | None:
                return next(iter(await world.claims().claim(1)), None)

            claim = await fact(claimed)
            writer = world.writer(claim)  # type: ignore[arg-type]  # the probe may say None, the fact is a claim
            await writer.write([said.start(), said.text("a")])
            gateway.terminate()
            gateway.said("draining: 1 ")
            refusal = await api.send("POST", "/v1/messages", json=MESSAGE)
            assert (refusal.status_code, refusal.headers["retry-after"]) == (503, "1")
            await writer.write([said.STOP], mark="done")
            stream = await answering
        assert stream.events[-1].name == "message_stop"
        assert await asyncio.to_thread(gateway.exit_code, 10) == 0
        assert "Traceback" not in gateway.log
        for private in ("sk-ant-very-secret", "Why is the sky blue?"):
            assert private not in gateway.log


async def test_a_second_signal_ends_the_drain_at_once(started: Starter) -> None:
    """Whoever is in a hurry need not wait for the limit; and who waits for an answer hears why there is none."""
    gateway = started.ready(SLUICE_DRAIN_S=300)
    async with Api(gateway.url) as api:
        asking = asyncio.create_task(api.send("POST", "/v1/messages", json=MESSAGE | {"stream": False}))

        async def open_responses() -> bool | None:
            return (await api.send("GET", "/readyz")).json()["subscribers"] or None

        await fact(open_responses)
        gateway.terminate()
        gateway.said("draining: 1 ")
        gateway.terminate()
        answer = await asking
        assert (answer.status_code, answer.json()["error"]["details"]) == (503, {"error_code": "draining"})
    assert await asyncio.to_thread(gateway.exit_code, 3) == 0


async def test_a_changed_file_of_clients_is_taken_over(started: Starter, valkey: Valkey, tmp_path: Path) -> None:
    """Without a restart: a new key is let in and an old one out. One that will not do is told, and changes nothing."""
    file = tmp_path / "clients.toml"
    file.write_text(f'[clients.web]\nkeys = ["{hashed("old-key")}"]')
    async with World(valkey.url) as world:
        gateway = started.ready(SLUICE_PREFIX=world.keys.prefix, SLUICE_CLIENTS_FILE=file, SLUICE_HOST="127.0.0.1")
        async with Api(gateway.url, "old-key") as old, Api(gateway.url, "new-key") as new:

            async def is_let_in(api: Api) -> bool:
                return (await api.send("GET", "/v1/jobs")).status_code == 200

            assert await is_let_in(old) and not await is_let_in(new)
            file.write_text("[clients.web")
            gateway.said("the clients file is not taken over: .*clients.toml: ")
            assert await is_let_in(old) and not await is_let_in(new)
            file.write_text(f'[clients.web]\nkeys = ["{hashed("new-key")}"]')
            gateway.said("1 clients taken over")
            assert await is_let_in(new) and not await is_let_in(old)
            metrics = (await new.send("GET", "/metrics")).text
            assert 'sluice_clients_reloads_total{outcome="taken_over"} 1.0' in metrics
            assert 'sluice_clients_reloads_total{outcome="refused"} 1.0' in metrics
