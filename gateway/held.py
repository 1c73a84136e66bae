"""Responses to `POST /v1/messages`: the head is held, so that the status is honest as long as it can be.

Invariant: until content, a refusal or the end of the hold nothing is committed; a refusal is the upstream's own
status, headers and body; after the commit failures are `event: error`.
Does not know: how a job was submitted.
"""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway import sse
from gateway.protocol import Pouring, pouring_of
from gateway.relay import SSE_HEADERS, ReaderStalled, Relay, head_headers, joined_headers
from gateway.replies import json_reply, problem_reply
from gateway.service import Service, Submitted
from gateway.subscribers import Subscriber
from streamlog.errors import CODES, InternalError, SluiceError
from streamlog.follow import Batch
from streamlog.jobs import UpstreamHead
from streamlog.redis_link import LINK_ERRORS

_FOR_EVER_S = 10.0**6


class HeldResponse(Response):
    """What both forms share: open a subscriber, wait for the first batch, refuse or answer."""

    background = None
    attached = True  # whether Redis has heard with the submit that somebody listens

    def __init__(self, service: Service, job: Submitted) -> None:
        self.service = service
        self.job = job

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        follower = self.service.follow(self.job.job_id, fresh=not self.job.joined)
        with self.service.subscribers.opened(follower, scope, resumes=False, known=self.attached) as subscriber:
            try:
                reply = await self.answer(subscriber, send, pouring_of(scope))
            except ReaderStalled:
                return
            except LINK_ERRORS:
                reply = problem_reply(InternalError("redis_unavailable", retry_after_s=1), self.job.request_id)
            except SluiceError as problem:
                reply = problem_reply(problem, self.job.request_id)
            if reply is not None and not subscriber.gone:
                await reply(scope, receive, send)

    async def answer(self, subscriber: Subscriber, send: Send, pouring: Pouring) -> Response | None:
        """Send the answer, or give a response to send instead."""
        raise NotImplementedError

    async def refusal(self, batch: Batch) -> Response:
        """An ending without content as the status that it stands for."""
        record = await self.service.log.record(self.job.job_id)
        headers = {"sluice-job-id": self.job.job_id, **joined_headers(self.job)}
        if record is not None and record.refusal is not None:
            upstream = record.response
            headers |= {"request-id": self.job.request_id} | upstream.get("headers", {})
            return Response(record.refusal, upstream.get("status", 500), headers)  # of its own content type, or of none
        told = CODES[record.code] if record is not None and record.code in CODES else CODES["internal"]
        if told.http_status in (503, 529):
            headers["retry-after"] = "1"
        body = sse.data_of_frame(batch.data)
        return json_reply(body, told.http_status, self.job.request_id, headers)


class HeldStream(HeldResponse):
    """`stream: true`: hold, then commit to 200 and relay."""

    own_headers = SSE_HEADERS

    async def answer(self, subscriber: Subscriber, send: Send, pouring: Pouring) -> Response | None:
        batch = await subscriber.follower.next(self.job.hold_s)
        if batch is not None and batch.mark and sse.is_error_frame(batch.data):
            return await self.refusal(batch)
        if subscriber.gone:
            return None
        if batch is None and subscriber.stopping:
            raise InternalError("draining", retry_after_s=1)
        relay = self.relay(subscriber, send, pouring)
        head = batch.head if batch is not None else await self._known_head()
        await relay.start(200, self.own_headers | head_headers(head, self.job))
        await relay.run(batch)
        return None

    def relay(self, subscriber: Subscriber, send: Send, pouring: Pouring) -> Relay:
        """What goes out behind the head."""
        return Relay(self.service, subscriber, send, self.job.request_id, self.job.ping_s, self.job, pouring)

    async def _known_head(self) -> UpstreamHead:
        record = await self.service.log.record(self.job.job_id)
        return record.response if record is not None else UpstreamHead()


class HeldWhole(HeldResponse):
    """`stream: false`: the head is held to the end, the body passed on unchanged."""

    async def answer(self, subscriber: Subscriber, send: Send, pouring: Pouring) -> Response | None:
        batch = await subscriber.follower.next(_FOR_EVER_S)
        if batch is None:
            if subscriber.stopping:
                raise InternalError("draining", retry_after_s=1)
            return None
        if batch.mark != "done":
            return await self.refusal(batch)
        return json_reply(batch.data, 200, self.job.request_id, head_headers(batch.head, self.job))
