"""`/v1/jobs`: submit without listening, look, follow from any position, cancel.

Does not know: the Messages API's answers (`messages`), how frames are relayed (`relay`), the list of jobs (`own_jobs`).
"""

from dataclasses import replace

from fastapi import FastAPI, Request
from starlette.responses import Response

from gateway import openapi
from gateway.admission import always_streamed, messages_request, query_of
from gateway.followed import FollowedStream, said_at_once
from gateway.job_views import job_view, submitted_view
from gateway.relay import joined_headers
from gateway.replies import told
from gateway.service import Service, now
from streamlog.errors import ClientError, InternalError
from streamlog.lifecycle import State
from streamlog.positions import EventId, MalformedPosition, Position
from streamlog.redis_link import LINK_ERRORS
from telemetry import announce, facts

# Who has a token may read, whichever page he reads it in: it goes with the address, and no cookie is asked for.
_ANYWHERE = {"access-control-allow-origin": "*"}
_VERSION = "2023-06-01"  # of the Messages API, for those who ask for a job and for no version


def add_routes(app: FastAPI, service: Service) -> None:
    """Register on the application itself: a router in between costs 0.1 ms a request."""
    _add_submit(app, service)

    @app.get("/v1/jobs/{job_id}", summary="Look at a job", tags=["jobs"], response_class=Response, **openapi.GET_JOB)
    async def get_job(http: Request, job_id: str, sign: bool = False) -> Response:
        """State, queue position, times, usage, and the final message once there is one. With `sign` the `events_url`
        has a new token."""
        record = await service.own_record(http, job_id)
        view = await job_view(service.log, job_id, record)
        if sign:
            view["events_url"] += f"?token={await service.tokens.sign(job_id)}"
        return told(view, headers={"sluice-job-id": job_id})

    @app.get(
        "/v1/jobs/{job_id}/events", summary="Follow a job", tags=["jobs"], response_class=Response, **openapi.FOLLOW_JOB
    )
    async def follow_job(http: Request, job_id: str, after: str | None = None, token: str | None = None) -> Response:
        """Its events after `Last-Event-ID` (or `?after=`), from the start without one; 204 when none is left. A signed
        `token` stands for the key."""
        start = _start(job_id, http.headers.get("last-event-id") or after)
        anywhere = {} if token is None else _ANYWHERE
        try:
            record = await (service.own_record(http, job_id) if token is None else service.signed_record(job_id, token))
        except LINK_ERRORS:  # a status other than 200 would end an EventSource for good
            return said_at_once(InternalError("redis_unavailable"), job_id, anywhere)
        if not record.stream:
            raise ClientError("invalid_request", "This job does not stream; GET /v1/jobs/{id} has its answer.")
        return FollowedStream(service, job_id, start, anywhere)

    @app.post(
        "/v1/jobs/{job_id}/cancel", summary="Cancel a job", tags=["jobs"], response_class=Response, **openapi.CANCEL_JOB
    )
    async def cancel_job(http: Request, job_id: str) -> Response:
        """Cancels a queued or running job; repeating it, or cancelling an ended job, changes nothing."""
        await service.own_record(http, job_id)
        ended = await service.log.end(job_id, None, State.CANCELLED, "cancelled")
        if ended is not None:
            announce(facts.JobEnded(ended.model, ended.state, ended.duration_s))
        record = await service.own_record(http, job_id)
        return told(await job_view(service.log, job_id, record), headers={"sluice-job-id": job_id})


def _add_submit(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/jobs",
        status_code=202,
        summary="Submit a job that runs without listeners",
        tags=["jobs"],
        response_class=Response,
        **openapi.SUBMIT_JOB,
    )
    async def submit_job(http: Request, sign: bool = False) -> Response:
        """The body of `POST /v1/messages`. The job always streams upstream, whatever `stream` says, and runs to its
        end whether or not anyone follows it. With `sign` the `events_url` opens without a key, for a while."""
        accepted = now()
        async with service.admitted(http) as (client, body):
            request = messages_request(always_streamed(body), "/v1/messages", _query(http), http.headers.raw)
            request = replace(request, headers={"anthropic-version": _VERSION, **request.headers})
            job = await service.submit(http, client, request, attached=False, accepted=accepted)
        state = (await service.own_record(http, job.job_id)).state if job.joined else State.QUEUED
        headers = {"location": f"/v1/jobs/{job.job_id}", "sluice-job-id": job.job_id, **joined_headers(job)}
        token = await service.tokens.sign(job.job_id) if sign else ""
        return told(submitted_view(job.job_id, state, token), 202, headers)


def _query(http: Request) -> str:
    """What travels upstream: all but what is said to us."""
    return "&".join(part for part in query_of(http.scope).split("&") if part.partition("=")[0] != "sign")


def _start(job_id: str, text: str | None) -> Position | None:
    """Where to follow from. One of another job becomes a position that no log holds: answered, never guessed."""
    if not text:
        return None
    try:
        event_id = EventId.parse(text) if ":" in text else EventId(job_id, Position.parse(text))
    except MalformedPosition as error:
        raise ClientError("malformed_position", str(error)) from None
    return event_id.position if event_id.job_id == job_id else Position(0, 0)
