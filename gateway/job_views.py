"""What a job looks like to its owner, as JSON.

Invariant: times are Redis times, so they agree whichever process wrote them; a figure that is not known is null.
Does not know: HTTP.
"""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

from gateway.final_message import final_message
from gateway.sse import data_of_frame, is_error_frame
from streamlog.frames import Chunk, id_line
from streamlog.garbled import lost_if_garbled
from streamlog.jobs import Record
from streamlog.lifecycle import ENDINGS, State
from streamlog.log import StreamLog


def submitted_view(job_id: str, state: str, token: str = "") -> dict[str, Any]:
    """The answer to a submit: where to look and what to follow, with a `token` for who has no key. Jobs always stream
    upstream."""
    events_url = f"/v1/jobs/{job_id}/events" + (f"?token={token}" if token else "")
    return {"id": job_id, "type": "job", "state": state, "stream": True, "events_url": events_url}


def listed_view(job_id: str, record: Record) -> dict[str, Any]:
    """What the record alone tells, without words of prompt or answer."""
    return _of_record(job_id, record) | {"error_code": record.code or None}


def _of_record(job_id: str, record: Record) -> dict[str, Any]:
    return submitted_view(job_id, record.state) | {
        "model": record.model,
        "attached": record.attached,
        "stream": record.stream,
        "last_event_id": f"{job_id}:{record.last}" if record.last.number else None,
        "created_at": shown_time(record.created_us),
        "started_at": shown_time(record.claimed_us),
        "first_content_at": shown_time(record.content_us),
        "ended_at": shown_time(record.ended_us),
        "timings": {
            "queue_wait_ms": _between(record.created_us, record.claimed_us),
            "first_content_ms": _between(record.created_us, record.content_us),
            "total_ms": _between(record.created_us, record.ended_us),
        },
        "usage": record.usage or None,
    }


async def job_view(log: StreamLog, job_id: str, record: Record) -> dict[str, Any]:
    """State, queue position, times, usage, and once it has ended its message or its error."""
    position = await log.queue_position(job_id) if record.state is State.QUEUED else None
    view = _of_record(job_id, record) | {"queue_position": position, "message": None, "error": None}
    if record.state in ENDINGS:
        result = _message if record.state is State.DONE else _error
        view |= await result(log, job_id, record)
    return view


async def _error(log: StreamLog, job_id: str, record: Record) -> dict[str, Any]:
    """The error is in the last frame; what came before it need not be read."""
    chunks = (await log.read(job_id, str(record.last))).chunks
    last = _last_frame(job_id, chunks[-1]) if chunks else b""
    with lost_if_garbled():
        told = (
            json.loads(data_of_frame(last))["error"] if is_error_frame(last) else {"type": "api_error", "message": ""}
        )
        return {"error": {**told, "code": record.code or None}}


async def _message(log: StreamLog, job_id: str, record: Record) -> dict[str, Any]:
    """In a thread: the events of a long answer take a second to decode, and all streams would stand still."""
    parts = [chunk.data for chunk in await all_chunks(log, job_id)]
    if record.stream:
        return {"message": await asyncio.to_thread(final_message, parts)}
    with lost_if_garbled():
        return {"message": json.loads(b"".join(parts) or b"null")}


def _last_frame(job_id: str, chunk: Chunk) -> bytes:
    return chunk.data[chunk.data.rfind(id_line(job_id, chunk.position)) :]


async def all_chunks(log: StreamLog, job_id: str) -> list[Chunk]:
    """A job's whole log; bounded by the largest answer that a worker keeps."""
    chunks: list[Chunk] = []
    start, more = "-", True
    while more:
        page = await log.read(job_id, start)
        chunks += page.chunks
        more = page.more and bool(page.chunks)
        start = f"({chunks[-1].position}" if chunks else "-"
    return chunks


def shown_time(us: int) -> str | None:
    """A Redis time as ISO 8601; None while it is unknown."""
    return datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="milliseconds") if us else None


def _between(start_us: int, end_us: int) -> float | None:
    """In ms, 0 if the clock of Redis was set back in between; None while one of both is unknown."""
    return max(0.0, round((end_us - start_us) / 1e3, 3)) if start_us and end_us else None
