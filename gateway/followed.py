"""The response to `GET /v1/jobs/{id}/events`: a job's events from a position on.

Invariant: a client with nothing left to read gets 204, so that an `EventSource` stops asking; everything else is 200
and a stream, errors included, because an `EventSource` gives up for good on any other status.
Does not know: positions' rules (`streamlog.follow` does).
"""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway import sse
from gateway.protocol import pouring_of
from gateway.relay import SSE_HEADERS, ReaderStalled, Relay
from gateway.replies import new_request_id
from gateway.service import Service
from streamlog.errors import InternalError, SluiceError
from streamlog.positions import Position
from streamlog.redis_link import LINK_ERRORS


def said_at_once(problem: SluiceError, job_id: str, more: Mapping[str, str] = MappingProxyType({})) -> Response:
    """A stream that is nothing but its error; a client that can come back may do so in a second."""
    request_id = new_request_id()
    headers = SSE_HEADERS | {"request-id": request_id, "sluice-job-id": job_id, **more}
    return Response(b"retry: 1000\n" + sse.error(problem, request_id), 200, headers)


class FollowedStream(Response):
    """Follows a job; its client can come back elsewhere, so a drain sends it away early."""

    background = None

    def __init__(self, service: Service, job_id: str, after: Position | None, more: Mapping[str, str]) -> None:
        """`more` headers than those of every such stream."""
        self._service = service
        self._job_id = job_id
        self._after = after
        self._more = more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id, ping_s = new_request_id(), self._service.settings.ping_s
        headers = {"request-id": request_id, "sluice-job-id": self._job_id, **self._more}
        follower = self._service.follow(self._job_id, self._after)
        with self._service.subscribers.opened(follower, scope, resumes=True, known=False) as subscriber:
            relay = Relay(self._service, subscriber, send, request_id, ping_s, pouring=pouring_of(scope))
            try:
                batch = await follower.next(0)
            except SluiceError as problem:  # the stream is lost: said at once, as an event
                await said_at_once(problem, self._job_id, self._more)(scope, receive, send)
                return
            except LINK_ERRORS:
                await said_at_once(InternalError("redis_unavailable"), self._job_id, self._more)(scope, receive, send)
                return
            if batch is not None and not batch.data:
                await Response(status_code=204, headers=headers)(scope, receive, send)
                return
            await relay.start(200, SSE_HEADERS | headers)
            try:
                await relay.run(batch)
            except ReaderStalled:
                return
