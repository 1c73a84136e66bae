"""From a job's log to an open response: the loop that matters in this room.

Invariant: what a client receives is the log's bytes from its position on, in order, up to the ending, plus pings; and
a stream that cannot reach its ending says so by name. Memory per client is bounded: what it does not take in time
stays in the log, and one that takes nothing at all is let go.
Does not know: where the position came from, what the events mean.
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gateway import sse
from gateway.protocol import Pouring
from gateway.service import Service, Submitted, now
from gateway.subscribers import Subscriber
from streamlog.errors import InternalError, SluiceError
from streamlog.follow import Batch
from streamlog.garbled import lost_if_garbled
from streamlog.jobs import UpstreamHead, read_head
from streamlog.redis_link import LINK_ERRORS
from telemetry import announce, facts

Pour = Callable[[bytes], bool]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_SLICE_BYTES = 16 * 1024
SSE_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache, no-transform",
    "x-accel-buffering": "no",
}


class ReaderStalled(Exception):
    """The client has taken nothing for the send timeout."""


class Relay:
    """Sends one job to one open response, with a ping after each silence of `ping_s`.

    `submitted` for the subscriber that made the call; it is timed unless it joined. `pouring` is a short way for what
    comes live (`pouring_of`). In what form things are said, `text_relay` decides otherwise.
    """

    def __init__(
        self,
        service: Service,
        subscriber: Subscriber,
        send: Send,
        request_id: str,
        ping_s: float,
        submitted: Submitted | None = None,
        pouring: Pouring | None = None,
    ) -> None:
        self._service = service
        self._subscriber = subscriber
        self._follower = subscriber.follower
        self._send_message = send
        self._pouring = pouring
        self._request_id = request_id
        self._ping_s = ping_s
        self._submitted = None if submitted is None or submitted.joined else submitted
        self._content = False

    async def start(self, status: int, headers: dict[str, str]) -> None:
        """Commit the response head."""
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send_message({"type": "http.response.start", "status": status, "headers": raw})

    async def run(self, batch: Batch | None) -> None:
        """Send `batch` and all that follows, to the end of the body. None begins with a ping."""
        try:
            while not self._subscriber.gone:
                if batch is not None:
                    over = bool(batch.mark) or self._follower.ended
                    await self._send_slices(self._bytes_of(batch), more=not over)
                    self._time_first(batch)
                    if over:
                        return
                elif self._subscriber.stopping:
                    await self._send(self._farewell())
                    break
                else:
                    await self._send(await self._ping())
                batch = await self._follower.next(self._ping_s, self._pour())
        except LINK_ERRORS:
            await self._send(self._told(InternalError("redis_unavailable")))
        except SluiceError as problem:
            await self._send(self._told(problem))
        await self._send(b"", more=False)

    def _bytes_of(self, batch: Batch) -> bytes:
        return batch.data

    def _pour(self) -> Pour | None:
        return self._pouring.pour if self._content and self._pouring is not None else None

    async def _send_slices(self, data: bytes, *, more: bool) -> None:
        """In slices, so that only a reader that takes nothing at all is too slow, and one that takes little is not."""
        last = max(0, len(data) - 1) // _SLICE_BYTES * _SLICE_BYTES
        for at in range(0, last, _SLICE_BYTES):
            await self._send(data[at : at + _SLICE_BYTES])
        if data or not more:
            await self._send(data[last:], more=more)

    async def _send(self, data: bytes, *, more: bool = True) -> None:
        message = {"type": "http.response.body", "body": data, "more_body": more}
        if self._pouring is not None and self._pouring.free:
            await self._send_message(message)
            return
        try:
            async with asyncio.timeout(self._service.settings.send_s):
                await self._send_message(message)
        except TimeoutError:
            raise ReaderStalled from None

    async def _ping(self) -> bytes:
        if self._content:
            return sse.ping()
        return sse.ping(await self._service.log.queue_position(self._follower.job_id))

    def _farewell(self) -> bytes:
        """The last words of a gateway that stops: come back elsewhere, or, where that is impossible, an error."""
        if self._subscriber.resumes:
            return b"retry: 1000\n\n"
        return self._told(InternalError("draining"))

    def _told(self, problem: SluiceError) -> bytes:
        return sse.error(problem, self._request_id)

    def _time_first(self, batch: Batch) -> None:
        submitted, first = self._submitted, not self._content
        self._content = True
        if submitted is None or not first or not batch.head or sse.is_error_frame(batch.data):
            return
        total_s = now() - submitted.accepted
        stored_s = (batch.stored_us - submitted.created_us) / 1e6
        announce(facts.FirstContentSent(submitted.model, total_s, max(0.0, total_s - stored_s)))


def head_headers(head: bytes | UpstreamHead, job: Submitted) -> dict[str, str]:
    """Response headers for a job: the upstream's that travel on, and ours. Raises `InternalError` `stream_lost`."""
    with lost_if_garbled():
        upstream = read_head(head) if isinstance(head, bytes) else head
    headers = {name: value for name, value in upstream.get("headers", {}).items() if name != "content-type"}
    return {"request-id": job.request_id, **headers, "sluice-job-id": job.job_id, **joined_headers(job)}


def joined_headers(job: Submitted) -> dict[str, str]:
    """Says that this call asked nothing new, by the name that payment interfaces gave it."""
    return {"idempotent-replayed": "true"} if job.joined else {}
