"""gateway/main.py, as its users start it: what it refuses, how it stops, what it says."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def refused(process: Process) -> str:
    """What a process said that has refused to start: one line, and exit code 2."""
    assert process.exit_code(20) == 2
    (line,) = process.log.splitlines()
    return line


@pytest.mark.parametrize("host", ["0.0.0.0"])
def test_it_refuses_to_listen_beyond_loopback_without_keys(started: Starter, host: str) -> None:
    """With one line that says what to set."""
    line = refused(started(SLUICE_HOST=host))
    assert line.startswith(f"sluice: refusing to listen on {host} without keys.")
    assert "SLUICE_API_KEYS" in line and "SLUICE_ALLOW_ANONYMOUS=1" in line


def test_a_busy_port_is_one_line(started: Starter) -> None:
    """Exit code 2, the address and the reason."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(started(SLUICE_PORT=port))
    assert line == f"sluice: cannot listen on 127.0.0.1:{port}: Address already in use"


def test_a_wrong_setting_is_one_line(started: Starter) -> None:
    """It names the variable."""
    assert "SLUICE_PING_S" in refused(started(SLUICE_PING_S="soon"))


async def test_sigterm_lets_messages_finish_and_exits_with_0(started: Starter, valkey: Valkey) -> None:
    """The answer is whole; while it drains new work gets 503; and nothing private was said."""
    world = World(valkey.url)
    await world.start()
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
    await world.close()


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
