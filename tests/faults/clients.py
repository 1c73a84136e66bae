"""Many clients at once: each wants one answer, and follows again from its last position until it has an ending.

Invariant: a client gives up only at its time limit, and everything it was sent is in its `Stream`.
Does not know: what is being broken, whether what it got is right.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from random import Random
from time import monotonic
from typing import Any

from tests.faults.history import Event, Response, Stream
from tests.faults.wire import Wire, exchange, request_bytes

KEY = "client-key"
LIMIT_S = 30.0
# Refusals of one gateway or moment, after which a client asks again, as the SDKs do.
PASSING = frozenset({"draining", "queue_full"})
_AGAIN_S = (0.02, 0.08)


def message(scenario: str, label: str) -> dict[str, Any]:
    """A Messages body that asks the simulator for a scenario; `label` finds its upstream calls."""
    return {
        "model": "claude-test",
        "max_tokens": 100_000,
        "stream": True,
        "metadata": {"user_id": label},
        "messages": [{"role": "user", "content": f"[[sim:{scenario}]] Why is the sky blue?"}],
    }


class Client:
    """Begins at once. `choose` names a gateway for each connection.

    `passing` are the refusals after which it asks again. What of them is not in `PASSING` it takes as passing in
    mid-stream, too; there any other error is the end, as it is for an SDK.
    A `detached` one submits with POST /v1/jobs and then follows. A stream that has a job already is only followed.
    """

    def __init__(
        self,
        choose: Callable[[], str],
        stream: Stream,
        rng: Random,
        *,
        detached: bool = False,
        passing: frozenset[str] = PASSING,
        idempotency_key: str = "",
        limit_s: float = LIMIT_S,
    ) -> None:
        self.stream = stream
        self.begun = asyncio.Event()  # content has arrived
        self.wire: Wire | None = None
        self._choose = choose
        self._rng = rng
        self._detached = detached
        self._passing = passing
        self._idempotency = {"idempotency-key": idempotency_key} if idempotency_key else {}
        self._limit_s = limit_s
        self.task = asyncio.create_task(self._run())

    @property
    def running(self) -> bool:
        """Whether it is in mid-answer."""
        return self.begun.is_set() and not self.task.done()

    async def leave(self) -> None:
        """Go away: the connection is aborted."""
        self.stream.left = True
        self.task.cancel()
        await asyncio.wait((self.task,))

    async def _run(self) -> Stream:
        how = "left"
        try:
            async with asyncio.timeout(self._limit_s) as limit:
                if not self.stream.job_id:
                    await self._ask()
                while self._unfinished():
                    await asyncio.sleep(self._rng.uniform(*_AGAIN_S))
                    await self._send("GET", f"/v1/jobs/{self.stream.job_id}/events", self._after(), b"")
        except TimeoutError:
            how = "late" if limit.expired() else "cut"
        finally:
            for response in self.stream.responses:
                response.how = how if response.how == "open" else response.how
        return self.stream

    def _after(self) -> dict[str, str]:
        return {"last-event-id": self.stream.last_id} if self.stream.last_id else {}

    async def _ask(self) -> None:
        path = "/v1/jobs" if self._detached else "/v1/messages"
        body = json.dumps(message(self.stream.scenario, self.stream.label)).encode()
        tries = 0
        while True:
            retry = {"x-stainless-retry-count": str(tries)} if tries else {}
            response = await self._send("POST", path, {**self._idempotency, **retry}, body)
            if self.stream.job_id or not self._may_pass(response):
                return
            tries += 1
            await asyncio.sleep(self._rng.uniform(*_AGAIN_S) * min(tries, 5))

    def _may_pass(self, response: Response) -> bool:
        """Whether to ask again: there was no answer at all, or one that says so."""
        return response.status == 0 or self.stream.outcome in self._passing

    def _unfinished(self) -> bool:
        stream, last = self.stream, self.stream.responses[-1]
        if not stream.job_id:
            return False
        if last.status == 202 or last.status == 0:
            return True
        told = stream.outcome
        if last.status == 200:
            return not told or (not last.events[-1].id and told in self._passing - PASSING)
        return told in self._passing

    async def _send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Response:
        headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01", **headers}
        response = Response(f"{method} {path}", self._choose(), monotonic())
        self.stream.responses.append(response)
        self.wire = Wire(response, self._notice)
        await exchange(self.wire, request_bytes(method, path, headers, body))
        self._name_job()
        return response

    def _name_job(self) -> None:
        response = self.stream.responses[-1]
        if not self.stream.job_id and response.status in (200, 202):
            self.stream.job_id = response.headers.get("sluice-job-id", "")

    def _notice(self, event: Event) -> None:
        self._name_job()
        if event.name == "content_block_delta":
            self.begun.set()


class Crowd:
    """All clients of one run, and the streams that they leave behind in the history."""

    def __init__(self, choose: Callable[[], str], streams: list[Stream], rng: Random) -> None:
        self.clients: list[Client] = []
        self._busy: list[Client] = []
        self._choose = choose
        self._streams = streams
        self._rng = rng

    def ask(self, scenario: str, *, label: str = "", keyed: bool = False, **options: Any) -> Client:
        """One client more; `options` are those of `Client`. A `keyed` one sends an idempotency key of its own."""
        stream = Stream(label or f"stream-{len(self._streams)}", scenario, monotonic())
        self._streams.append(stream)
        if keyed:
            options["idempotency_key"] = stream.label
        return self._begun(Client(self._choose, stream, self._rng, **options))

    def _begun(self, client: Client) -> Client:
        self.clients.append(client)
        self._busy.append(client)
        return client

    def resume(self, stream: Stream) -> Client:
        """A client that follows a stream from where it stands."""
        return self._begun(Client(self._choose, stream, self._rng))

    @property
    def running(self) -> list[Client]:
        """Those in mid-answer."""
        return [client for client in self.busy if client.running]

    @property
    def busy(self) -> list[Client]:
        """Those that have not ended."""
        self._busy = [client for client in self._busy if not client.task.done()]
        return self._busy

    async def keep(self, at_once: int, least: int, goes_on: Callable[[], bool], scenario: str, **options: Any) -> None:
        """Keep so many clients busy until `least` have asked and nothing goes on any more; then wait for all."""
        while len(self.clients) < least or goes_on():
            for _ in range(max(1, at_once) - len(self.busy)):
                self.ask(scenario, **options)
                await asyncio.sleep(0)
            tasks = [client.task for client in self.busy]
            await asyncio.wait(tasks, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
        await self.finish()

    async def finish(self) -> None:
        """Wait until every client has ended."""
        await asyncio.gather(*(client.task for client in self.clients if not client.task.cancelled()))

    async def close(self) -> None:
        """Send away whoever is left."""
        for client in self.clients:
            client.task.cancel()
        with contextlib.suppress(ValueError):  # there was nobody
            await asyncio.wait([client.task for client in self.clients])
