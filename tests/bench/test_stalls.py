"""bench/stalls.py and its parts: a stall is seen at its length, and large bodies are what they claim to be."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import probes
from bench.bulk import Senders, image_request
from bench.failure import BenchFailed
from bench.target import Target
from tests.support.facts import until

ROOT = Path(__file__).parents[2]
STALL_S = 0.08


async def _said(answer: bytes) -> tuple[asyncio.Server, Target]:
    """A server that answers every line with this, and stalls this very loop when it is told to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.readline():
                writer.write(answer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, Target("x", "127.0.0.1", server.sockets[0].getsockname()[1])


async def test_a_stall_is_one_sample_of_its_length() -> None:
    """Of the process that stalls, and of the one that asks if it is itself."""
    server, target = await _said(b"pong")
    probed = probes.Probed("it", lambda: asyncio.open_connection(target.host, target.port), b"ping\n", b"pong")
    async with server, probes.probing([probed]) as asked:
        await until(lambda: len(asked["it"].lags_ns) > 3 and len(asked["load client"].lags_ns) > 3)
        time.sleep(STALL_S)  # noqa: ASYNC251  # this is the stall
        count = len(asked["it"].lags_ns)
        await until(lambda: len(asked["it"].lags_ns) > count + 1)
    assert max(asked["load client"].lags_ns) >= (STALL_S - 0.01) * 1e9


async def test_a_process_that_hangs_up_spoils_the_figures() -> None:
    """It is no process without stalls."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    probed = probes.http("it", Target("x", "127.0.0.1", server.sockets[0].getsockname()[1]), "/healthz", b"ok")
    async with server:
        with pytest.raises(BenchFailed, match="it left a probe"):
            async with probes.probing([probed]):
                await asyncio.sleep(0.1)


def test_a_large_body_has_exactly_its_size() -> None:
    """And is valid JSON with a length in front."""
    head, _, content = image_request(Target("x", "127.0.0.1", 1), 100_000).partition(b"\r\n\r\n")
    assert len(content) == 100_000
    assert b"content-length: 100000" in head
    assert json.loads(content)["messages"][0]["content"][0]["type"] == "image"


async def test_a_refused_body_spoils_the_figures() -> None:
    """All senders stop, and what was said is told."""
    server, target = await _said(b"HTTP/1.1 529 Overloaded\r\n\r\n")
    senders = Senders(target, b"POST\n", 3)
    async with server:
        with pytest.raises(BenchFailed, match="529"):
            async with senders.sending():
                await until(lambda: senders._error)


def test_a_quick_run_measures_all() -> None:
    """Every process under every load, directly and through Sluice."""
    run = subprocess.run(
        [sys.executable, "-m", "bench.stalls", "--quick"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in run.stdout.split("\n") if "|" in line]
    assert [row[0] for row in rows[2:]] == [
        "gap between two deltas",
        "delay of a delta",
        *(f"{name} does not answer" for name in ("gateway", "worker 1", "worker 2", "stand-in", "valkey-server")),
        "load client does not answer",
    ]
    for row in rows[2:]:
        assert all(int(longest) >= int(p99) >= 0 for p99, longest in (cell.split(", ") for cell in row[1:])), row
