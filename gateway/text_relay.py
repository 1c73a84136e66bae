"""An answer that goes out as words: the relay of events, in another form, and the responses around it.

Invariant: whatever ends the stream, its reader is told in its own form; an `EventSource` that comes back is given what
it has not had, and after the end 204, so that it asks nobody again.
Does not know: how a question became a job (`asking`), what words look like on the wire (`words`).
"""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.held import HeldStream
from gateway.protocol import Pouring
from gateway.relay import SSE_HEADERS, ReaderStalled, Relay
from gateway.replies import announce_refused, new_request_id
from gateway.service import Service, Submitted
from gateway.subscribers import Subscriber
from gateway.words import NOTHING_LEFT, Form, TextEvents, failed_at_once, heard
from streamlog.errors import InternalError, SluiceError
from streamlog.follow import Batch
from streamlog.garbled import lost_if_garbled
from streamlog.positions import Position
from streamlog.redis_link import LINK_ERRORS


class TextRelay(Relay):
    """Sends the words of one job, and nothing else of it."""

    def __init__(
        self,
        service: Service,
        subscriber: Subscriber,
        send: Send,
        request_id: str,
        ping_s: float,
        form: Form,
        submitted: Submitted | None = None,
    ) -> None:
        super().__init__(service, subscriber, send, request_id, ping_s, submitted)
        self._form = form

    async def greet(self, start_id: str) -> None:
        """What comes before the first word; `start_id` "" for whoever has been here before."""
        await self._send(self._form.greeting(start_id))

    def _bytes_of(self, batch: Batch) -> bytes:
        with lost_if_garbled():
            chunk = heard(batch.data)
        said = b"".join(self._form.said(text, event_id) for text, event_id in chunk.pieces)
        if batch.mark and batch.mark != "done":
            said += self._form.failed(chunk.error or b"{}", self._request_id)
        return said + self._form.ended(chunk.last_id) if batch.mark else said

    async def _ping(self) -> bytes:
        return self._form.ping

    def _farewell(self) -> bytes:
        return self._form.come_back if self._subscriber.resumes else self._told(InternalError("draining"))

    def _told(self, problem: SluiceError) -> bytes:
        if self._subscriber.resumes and problem.code == "redis_unavailable":
            return self._form.come_back
        failed = self._form.failed(problem.body(self._request_id), self._request_id)
        return failed + self._form.ended(NOTHING_LEFT)


class HeldText(HeldStream):
    """An answer to whoever reads statuses: the head is held as that of `/v1/messages`."""

    def __init__(self, service: Service, job: Submitted, form: Form, *, attached: bool) -> None:
        super().__init__(service, job)
        self._form = form
        self.attached = attached
        self.own_headers = SSE_HEADERS | {"content-type": form.content_type}

    def relay(self, subscriber: Subscriber, send: Send, pouring: Pouring) -> Relay:
        job = self.job
        return TextRelay(self.service, subscriber, send, job.request_id, job.ping_s, self._form, job)


class WordsForEventSource(Response):
    """An answer to an `EventSource`, which sees no status: everything is said in the stream, as soon as there is one.

    `submitted` for the call that asked, else `after` is where it comes back from.
    """

    background = None

    def __init__(
        self, service: Service, job_id: str, after: Position | None, submitted: Submitted | None, *, attached: bool
    ) -> None:
        self._service = service
        self._job_id = job_id
        self._after = after
        self._submitted = submitted
        self._attached = attached

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        service, submitted = self._service, self._submitted
        request_id = submitted.request_id if submitted else new_request_id()
        headers = SSE_HEADERS | {"request-id": request_id, "sluice-job-id": self._job_id}
        follower = service.follow(self._job_id, self._after, fresh=submitted is not None and not submitted.joined)
        known = submitted is not None and self._attached
        with service.subscribers.opened(follower, scope, resumes=True, known=known) as subscriber:
            ping_s, form = service.settings.ping_s, TextEvents()
            relay = TextRelay(service, subscriber, send, request_id, ping_s, form, submitted)
            try:
                batch = await follower.next(0) if submitted is None else None
            except SluiceError as problem:
                await said_at_once(problem, self._job_id)(scope, receive, send)
                return
            except LINK_ERRORS:
                await Response(form.come_back, 200, headers)(scope, receive, send)
                return
            if batch is not None and not batch.data:
                await Response(status_code=204, headers=headers)(scope, receive, send)
                return
            try:
                await relay.start(200, headers)
                await relay.greet(f"{self._job_id}:0-0" if submitted else "")
                await relay.run(batch)
            except ReaderStalled:
                return


def said_at_once(problem: SluiceError, job_id: str = "") -> Response:
    """An error as the whole stream of an `EventSource`, which then asks no more."""
    announce_refused(problem)
    request_id = new_request_id()
    headers = SSE_HEADERS | {"request-id": request_id} | ({"sluice-job-id": job_id} if job_id else {})
    return Response(failed_at_once(problem, request_id), 200, headers)
