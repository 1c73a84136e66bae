"""Bodies of many megabytes: they arrive whole up to the limit, and beyond it every client reads why it was refused."""

import asyncio
import hashlib
import json
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import anthropic
import pytest

from tests.support.api import Api, body
from tests.support.cluster import Cluster
from tests.support.ledger import Ledger

_MIB = 1 << 20
_LIMIT = 32 * _MIB
_CURL_S = 30


def _image(size: int, label: str, *, stream: bool) -> bytes:
    """A body of exactly so many bytes: an image, and a question about it."""
    message = body("text events=3", stream=stream, label=label)
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "DATA"}}
    message["messages"][0]["content"] = [image, {"type": "text", "text": message["messages"][0]["content"]}]
    around = json.dumps(message).encode()
    return around.replace(b"DATA", b"A" * (size - len(around) + len(b"DATA")))


async def _in_chunks(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 100_000):
        yield content[at : at + 100_000]


@pytest.mark.parametrize(
    ("size", "stream", "chunked"),
    [(12 * _MIB, True, False), (12 * _MIB, False, True), (_LIMIT, True, True), (_LIMIT, False, False)],
)
async def test_a_large_body_arrives_unchanged(api: Api, ledger: Ledger, size: int, stream: bool, chunked: bool) -> None:
    """Through gateway, Redis and worker, to the last byte of the limit, with and without a length in front."""
    label = uuid4().hex
    content = _image(size, label, stream=stream)
    response = await api.send("POST", "/v1/messages", content=_in_chunks(content) if chunked else content)
    assert response.status_code == 200
    assert b"message_stop" in response.content if stream else response.json()["type"] == "message"
    (call,) = await ledger.closed(label)
    assert (call["body_size"], call["stream"]) == (size, stream)
    assert call["body_sha256"] == hashlib.sha256(content).hexdigest()


async def test_a_large_job_is_streamed_upstream(api: Api, ledger: Ledger) -> None:
    """Nothing but `stream` is added to what was sent."""
    label = uuid4().hex
    content = _image(12 * _MIB, label, stream=False).replace(b'"stream": false, ', b"", 1)
    response = await api.send("POST", "/v1/jobs", content=content)
    assert response.status_code == 202
    assert (await api.ended(response.json()["id"]))["state"] == "done"
    (call,) = await ledger.closed(label)
    streamed = content.replace(b"{", b'{"stream":true,', 1)
    assert call["body_sha256"] == hashlib.sha256(streamed).hexdigest()


def _memory(pid: int, word: str) -> int:
    """Resident bytes of a process: `VmRSS` now, `VmHWM` at most since it was asked to forget."""
    found = re.search(rf"{word}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")
def test_what_is_too_large_is_not_collected(shared: Cluster) -> None:
    """A client that sends 500 MB without a length costs the gateway what a body costs that it takes, and no more."""
    pid = shared.gateways[0].pid
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    before = _memory(pid, "VmRSS")
    host, port = shared.url.removeprefix("http://").split(":")
    chunk = b"%x\r\n%b\r\n" % (_MIB, b" " * _MIB)
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(b"POST /v1/messages HTTP/1.1\r\nhost: sluice\r\nx-api-key: k\r\n")
        connection.sendall(b"transfer-encoding: chunked\r\n\r\n")
        for _ in range(500):
            connection.sendall(chunk)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")
    assert _memory(pid, "VmHWM") - before < 3 * _LIMIT


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize(
    "said",
    [
        [],  # it asks whether it may send
        ["-H", "Expect:"],
        ["-H", "Expect:", "-H", "Transfer-Encoding: chunked"],
    ],
    ids=["asking first", "at once", "in chunks"],
)
def test_curl_reads_why_its_body_is_refused(shared: Cluster, tmp_path: Path, said: list[str]) -> None:
    """In each of its ways to send, also when it sends much more than is read."""
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(200 * _MIB)
    command = [
        "curl",
        "-sS",
        "-o",
        "-",
        "-w",
        "%{http_code}",
        "-H",
        "x-api-key: k",
        *said,
        "--data-binary",
        f"@{large}",
    ]
    run = subprocess.run(
        [*command, f"{shared.url}/v1/messages"], capture_output=True, text=True, timeout=_CURL_S, check=False
    )
    told, status = run.stdout[:-3], run.stdout[-3:]
    assert status == "413", run.stderr
    assert json.loads(told)["error"]["type"] == "request_too_large"


@pytest.mark.parametrize("size", [_LIMIT + 1, 150 * _MIB])
async def test_the_sdk_reads_why_its_body_is_refused(shared: Cluster, size: int) -> None:
    """Both clients send all they have before they look at the answer."""
    ask: dict[str, Any] = {
        "model": "claude-test",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": "x" * size}],
    }
    options: Any = {"base_url": shared.url, "api_key": "k", "max_retries": 0}
    with anthropic.Anthropic(**options) as client:
        with pytest.raises(anthropic.APIStatusError) as refused:
            await asyncio.to_thread(lambda: client.messages.create(**ask))
        assert (refused.value.status_code, refused.value.type) == (413, "request_too_large")
    async with anthropic.AsyncAnthropic(**options) as async_client:
        with pytest.raises(anthropic.APIStatusError) as refused:
            await async_client.messages.create(**ask)
        assert (refused.value.status_code, refused.value.type) == (413, "request_too_large")
