"""The pattern of the tutorials, as a yardstick: one FastAPI process that calls the anthropic SDK inside the request.

Invariant: it is what a careful reader of the documentation writes; nothing in it is slowed down.
Does not know: queues, resuming, retries, more than one process.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

app = FastAPI()
client = anthropic.AsyncAnthropic()


class Question(BaseModel):
    """What the client asks."""

    model: str
    max_tokens: int
    messages: list[dict[str, Any]]


@app.post("/chat")
async def chat(question: Question) -> StreamingResponse:
    """The answer's words as server-sent events, then `[DONE]`."""
    return StreamingResponse(_words(question), media_type="text/event-stream")


async def _words(question: Question) -> AsyncIterator[str]:
    async with client.messages.stream(
        model=question.model,
        max_tokens=question.max_tokens,
        messages=question.messages,  # type: ignore[arg-type]  # the SDK has a type for each role
    ) as stream:
        async for text in stream.text_stream:
            yield f"data: {json.dumps({'text': text})}\n\n"
    yield "data: [DONE]\n\n"


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
