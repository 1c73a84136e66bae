"""What a job's log amounts to as an assistant's message.

Invariant: it depends on an ended log alone, which never changes, so whoever reads it gets the same answer. Only a log
with its own ending is a complete one.
Does not know: conversations, HTTP.
"""

import asyncio
from typing import Any, Literal

import msgspec

from gateway.final_message import final_message
from gateway.job_views import all_chunks
from streamlog.errors import InternalError
from streamlog.jobs import Record
from streamlog.lifecycle import ENDINGS, State
from streamlog.log import StreamLog


class Answer(msgspec.Struct, frozen=True):
    """An assistant's message: `content` are Claude's blocks. An `interrupted` one holds what had been said by then."""

    state: Literal["complete", "interrupted"]
    content: list[dict[str, Any]]
    stop_reason: str | None = None
    error_code: str | None = None

    @property
    def text(self) -> str:
        """Its words, without thoughts and tools."""
        return "".join(str(block.get("text", "")) for block in self.content if block.get("type") == "text")


async def answer_of(log: StreamLog, job_id: str) -> Answer | None:
    """The answer of an ended job; None while it waits or runs. Of one that is gone, or spoiled, nothing is left."""
    try:
        record = await log.record(job_id)
        if record is not None and record.state not in ENDINGS:
            return None
        return await _read(log, job_id, record) if record else Answer("interrupted", [], error_code="stream_lost")
    except InternalError as problem:
        return Answer("interrupted", [], error_code=problem.code)


async def _read(log: StreamLog, job_id: str, record: Record) -> Answer:
    """In a thread: the events of a long answer take a second to decode, and all streams would stand still."""
    chunks = await all_chunks(log, job_id)
    message = await asyncio.to_thread(final_message, [chunk.data for chunk in chunks]) or {}
    complete = record.state is State.DONE and bool(chunks) and chunks[-1].mark == "done"
    content = [block for block in message.get("content", []) if isinstance(block, dict)]
    if complete:
        return Answer("complete", content, message.get("stop_reason"))
    return Answer("interrupted", content, message.get("stop_reason"), record.code or "stream_lost")
