"""A client of the gateway, or of Claude's API itself, over plain HTTP.

Invariant: every call has a time limit; what the gateway answers is returned as it came.
Does not know: the SDK, Redis, any room of the project.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2

from tests.support.facts import fact
from tests.support.sse import Event, events_of

PROMPT = "Why is the sky blue?"
VERSION = {"anthropic-version": "2023-06-01"}
LIMIT_S = 30.0
_NO_LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=None)


def body(scenario: str = "text", *, stream: bool = True, label: str = "", prompt: str = PROMPT) -> dict[str, Any]:
    """A Messages body that asks the simulator for a scenario, as in `long tps=100`. `label` finds its calls."""
    return {
        "model": "claude-test",
        "max_tokens": 100_000,
        "stream": stream,
        "metadata": {"user_id": label},
        "messages": [{"role": "user", "content": f"[[sim:{scenario}]] {prompt}"}],
    }


class Stream:
    """An open answer. Events are collected in `events` by whoever iterates; leaving the block cuts it.

    Iterating raises `TimeoutError` from `LIMIT_S` after its head on: pings keep a connection alive, and a hang with it.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self.job_id = response.headers.get("sluice-job-id", "")
        self.events: list[Event] = []
        self._reads = events_of(response.aiter_raw())
        self._deadline = asyncio.get_running_loop().time() + LIMIT_S

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> Event:
        async with asyncio.timeout_at(self._deadline):
            event = await anext(self._reads)
        self.events.append(event)
        return event

    async def rest(self) -> list[Event]:
        """Read to the end; answers all events."""
        async for _ in self:
            pass
        return self.events

    async def until(self, wanted: Callable[[Event], bool]) -> Event:
        """Read to the first event that is wanted. Raises `AssertionError` when the stream ends before."""
        async for event in self:
            if wanted(event):
                return event
        raise AssertionError(f"the stream ended before, after {len(self.events)} events: {self.events[-1:]}")


def is_content(event: Event) -> bool:
    return event.name == "content_block_delta"


class Api:
    """Calls to one gateway (or to the simulator itself). `async with` it."""

    def __init__(self, url: str, key: str = "client-key") -> None:
        headers = {"x-api-key": key, "content-type": "application/json", **VERSION}
        self._http = httpx2.AsyncClient(
            base_url=url,
            headers=headers,
            timeout=LIMIT_S,
            limits=_NO_LIMITS,
            trust_env=False,
            verify=False,  # it is plain HTTP, and to read all certificates takes 30 ms
        )

    async def __aenter__(self) -> "Api":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Any call, read to its end, within `LIMIT_S`."""
        async with asyncio.timeout(LIMIT_S):
            return await self._http.request(method, path, **options)

    @contextlib.asynccontextmanager
    async def stream(self, message: dict[str, Any]) -> AsyncIterator[Stream]:
        """POST /v1/messages; the head has arrived when the block begins."""
        async with self._http.stream("POST", "/v1/messages", json=message) as response:
            yield Stream(response)

    async def answer(self, message: dict[str, Any]) -> Stream:
        """POST /v1/messages, read to its end."""
        async with self.stream(message) as stream:
            await stream.rest()
            return stream

    @contextlib.asynccontextmanager
    async def follow(self, job_id: str, last_event_id: str = "") -> AsyncIterator[Stream]:
        """GET /v1/jobs/{id}/events, after a position if one is given."""
        headers = {"last-event-id": last_event_id} if last_event_id else {}
        async with self._http.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as response:
            yield Stream(response)

    async def followed(self, job_id: str, last_event_id: str = "") -> Stream:
        """The same, read to its end."""
        async with self.follow(job_id, last_event_id) as stream:
            await stream.rest()
            return stream

    async def submit(self, message: dict[str, Any]) -> str:
        """POST /v1/jobs; answers the job's id."""
        response = await self.send("POST", "/v1/jobs", json=message)
        assert response.status_code == 202, response.text
        job_id: str = response.json()["id"]
        return job_id

    async def view(self, job_id: str) -> dict[str, Any]:
        """GET /v1/jobs/{id}."""
        response = await self.send("GET", f"/v1/jobs/{job_id}")
        assert response.status_code == 200, response.text
        view: dict[str, Any] = response.json()
        return view

    async def cancel(self, job_id: str) -> None:
        response = await self.send("POST", f"/v1/jobs/{job_id}/cancel")
        assert response.status_code == 200, response.text

    async def ended(self, job_id: str, within_s: float = 10.0) -> dict[str, Any]:
        """Wait until the job has ended; answers its view."""

        async def view() -> dict[str, Any] | None:
            found = await self.view(job_id)
            return found if found["state"] in ("done", "failed", "cancelled") else None

        return await fact(view, within_s)
