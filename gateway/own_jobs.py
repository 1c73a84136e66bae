"""`/v1/jobs` as a shelf: one's own jobs, page after page, and their removal.

Invariant: a page token is a place in the caller's own list, so another's shows nothing of his.
Does not know: how jobs are submitted and followed (`jobs`).
"""

import re
from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from gateway import openapi
from gateway.job_views import listed_view
from gateway.replies import told
from gateway.service import Service
from streamlog.errors import ClientError
from streamlog.lifecycle import State
from streamlog.owned import Place
from streamlog.positions import JOB_ID
from telemetry import announce, facts

_PAGE = re.compile(r"([0-9]{1,16})-(job_[A-Za-z0-9_-]{22})")


def add_routes(app: FastAPI, service: Service) -> None:
    """Register on the application itself: a router in between costs 0.1 ms a request."""

    @app.get("/v1/jobs", summary="List jobs", tags=["jobs"], response_class=Response, **openapi.LIST_JOBS)
    async def list_jobs(
        http: Request,
        state: State | None = None,
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        page: str | None = None,
    ) -> Response:
        """One's own jobs, newest first, while their records are kept. A page may be short and not the last."""
        owner = service.access.client(http.headers).owner
        listed = await service.owned.listed(owner, limit, after=_place(page), state=state or "")
        after = listed.after
        return told(
            {
                "data": [listed_view(job_id, record) for job_id, record in listed.jobs],
                "has_more": after is not None,
                "next_page": f"{after.created_us}-{after.job_id}" if after else None,
            }
        )

    @app.delete(
        "/v1/jobs/{job_id}", summary="Remove a job", tags=["jobs"], response_class=Response, **openapi.REMOVE_JOB
    )
    async def remove_job(http: Request, job_id: str) -> Response:
        """Removes prompt, answer and record from Redis. A job that waits or runs is cancelled first."""
        owner = service.access.client(http.headers).owner
        there, ended = await service.owned.remove(owner, job_id) if JOB_ID.fullmatch(job_id) else (False, None)
        if not there:
            raise ClientError("job_not_found")
        if ended is not None:
            announce(facts.JobEnded(ended.model, ended.state, ended.duration_s))
        return told({"id": job_id, "type": "job_removed"}, headers={"sluice-job-id": job_id})


def _place(page: str | None) -> Place | None:
    if page is None:
        return None
    of = _PAGE.fullmatch(page)
    if of is None:
        raise ClientError("invalid_request", "page: Expected the `next_page` of an earlier answer")
    return Place(int(of[1]), of[2])
