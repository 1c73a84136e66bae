"""The command line against a real Sluice: a connection that breaks in mid-answer costs its reader nothing.

Each answer is compared with that of the simulator itself, which gives the same prompt the same words.
"""

import asyncio
import contextlib
import io
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from cli.rendered import Rendered
from tests.cli.emulator import Emulator
from tests.cli.terminal import Terminal
from tests.faults.proxy import Proxy
from tests.support.api import Api, is_content
from tests.support.cluster import Cluster, Ground, started
from tests.support.facts import until
from tests.support.ledger import Ledger

COLUMNS, ROWS = 70, 60
QUESTION = "[[sim:text events=150 tps=60]] Why is the sky blue?"
LONG = QUESTION.replace("150", "4000")


@pytest.fixture(scope="module")
def cluster(ground: Ground) -> Iterator[Cluster]:
    """A gateway that may be killed, and a worker."""
    with started(ground) as cluster:
        yield cluster


@pytest.fixture
async def words(direct: Api) -> str:
    """The whole answer, without anything in between."""
    message = {"role": "user", "content": QUESTION.replace(" tps=60", " tps=0")}
    told = await direct.answer({"model": "claude-x", "max_tokens": 4096, "stream": True, "messages": [message]})
    return "".join(event.json["delta"]["text"] for event in told.events if is_content(event))


def _sluice(*words: str) -> list[str]:
    return [sys.executable, "-m", "cli", *words]


async def _upstream_calls(ledger: Ledger, model: str) -> int:
    return sum(call["model"] == model for call in await ledger.calls(""))


def _restart(cluster: Cluster) -> None:
    """kill -9 of the gateway, and another one at its address."""
    old = cluster.gateways[-1]
    old.kill()
    cluster.add_gateway(SLUICE_PORT=old.url.rpartition(":")[2])


def _on_screen(text: str) -> str:
    """What a terminal shows of an answer that comes at once."""

    class Out(io.StringIO):
        screen = Emulator(COLUMNS, ROWS)
        encoding = "utf-8"

        def write(self, text: str) -> int:
            self.screen.feed(text.replace("\n", "\r\n").encode())
            return len(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(COLUMNS))
        patch.setenv("LINES", str(ROWS))
        rendered = Rendered(Out(), io.StringIO())
        rendered.text(text)
        rendered.close()
    return Out.screen.text


async def test_a_gateway_killed_in_mid_answer_is_not_seen_in_a_pipe(
    cluster: Cluster, words: str, ledger: Ledger
) -> None:
    """The whole answer, once; exit code 0; Claude was asked once."""
    ask = _sluice("ask", QUESTION, "--model", "claude-killed-in-a-pipe", "--url", cluster.url)
    asking = await asyncio.create_subprocess_exec(*ask, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert asking.stdout is not None
    begun = await asking.stdout.readexactly(40)
    await asyncio.to_thread(_restart, cluster)
    rest, said = await asyncio.wait_for(asking.communicate(), 60)
    assert asking.returncode == 0, said
    assert (begun + rest).decode() == words + "\n"
    assert b"resuming: try 1 of 10" in said
    assert await _upstream_calls(ledger, "claude-killed-in-a-pipe") == 1


async def test_a_gateway_killed_in_mid_answer_is_not_seen_on_a_screen(
    cluster: Cluster, words: str, ledger: Ledger
) -> None:
    """The whole answer once, its Markdown rendered, and no trace of the break."""
    ask = _sluice("ask", QUESTION, "--model", "claude-killed-on-a-screen", "--url", cluster.url)
    with Terminal(ask, {}, COLUMNS, ROWS) as terminal:
        await until(lambda: len(terminal.text) > 60, 30)
        await asyncio.to_thread(_restart, cluster)
        assert await asyncio.to_thread(terminal.exit_code, 60) == 0
    shown, _, figures = terminal.text.rpartition("\n")
    assert shown == _on_screen(words)
    assert figures.startswith("[Time to first token: ")
    assert await _upstream_calls(ledger, "claude-killed-on-a-screen") == 1


@contextlib.asynccontextmanager
async def _cut_often(proxy: Proxy) -> AsyncIterator[None]:
    """Each connection is reset when it has carried some events."""

    async def cut() -> None:
        while True:
            enough = proxy.carried + 3000
            await until(lambda enough=enough: proxy.carried > enough, 60)  # type: ignore[misc]
            proxy.reset()

    cutting = asyncio.create_task(cut())
    try:
        yield
    finally:
        cutting.cancel()


async def test_a_line_that_is_cut_again_and_again_brings_a_chat_its_answer(cluster: Cluster, words: str) -> None:
    """Then Ctrl-C ends the next answer, and its job, but not the chat."""
    async with Proxy(cluster.url.removeprefix("http://")) as proxy, Api(cluster.url) as api:
        chat = _sluice("chat", "--url", f"http://127.0.0.1:{proxy.port}")
        with Terminal(chat, {"SLUICE_API_KEY": "client-key"}, COLUMNS, ROWS) as terminal:
            await until(lambda: terminal.text.endswith("\n>"), 30)
            async with _cut_often(proxy):
                terminal.type(QUESTION + "\n")
                await until(lambda: "[Time to first token" in terminal.text, 60)
            assert proxy.hit >= 3
            assert _on_screen(words) in terminal.text
            await until(lambda: terminal.text.endswith("\n>"))
            terminal.type(LONG + "\n")
            await until(lambda: LONG in terminal.text and len(terminal.text.rpartition(LONG)[2]) > 60, 30)
            terminal.press_ctrl_c()
            await until(lambda: "[stopped; " in terminal.text)
            newest = (await api.send("GET", "/v1/jobs")).json()["data"][0]
            assert newest["state"] == "cancelled"
            terminal.type("/exit\n")
            assert await asyncio.to_thread(terminal.exit_code) == 0


async def test_follow_cancel_and_status(cluster: Cluster, words: str) -> None:
    """A job of somebody else's making is followed from the start and from the middle, and cancelled."""

    async def run(*words: str) -> tuple[int, str]:
        command = await asyncio.create_subprocess_exec(*_sluice(*words, "--url", cluster.url), stdout=subprocess.PIPE)
        told, _ = await asyncio.wait_for(command.communicate(), 60)
        return command.returncode or 0, told.decode()

    async with Api(cluster.url, key="") as api:
        message = {"model": "claude-x", "max_tokens": 4096, "messages": [{"role": "user", "content": QUESTION}]}
        job = (await api.send("POST", "/v1/jobs", json=message)).json()["id"]
        assert await run("follow", job) == (0, words + "\n")
        middle = (await api.followed(job)).events[80].id
        code, rest = await run("follow", middle)
        assert code == 0 and 0 < len(rest) < len(words) and (words + "\n").endswith(rest)
        assert await run("cancel", job) == (0, f"{job} done\n")
        message["messages"] = [{"role": "user", "content": LONG}]
        job = (await api.send("POST", "/v1/jobs", json=message)).json()["id"]
        assert await run("cancel", job) == (0, f"{job} cancelled\n")
        assert (await run("follow", job))[0] == 1
    code, told = await run("status")
    assert code == 0 and "workers      1\n" in told
