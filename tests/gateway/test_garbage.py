"""What a call leaves behind in a gateway: nothing that only the collector could free."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from tests.gateway.house import MESSAGE, House
from tests.support import said
from tests.support.garbage import garbage_of

Call = Callable[[House], Awaitable[None]]


async def streamed(house: House) -> None:
    """A stream, read to its end."""
    call = asyncio.create_task(house.api.answer(MESSAGE))
    await (await house.claimed()).says(*said.answer("a"), mark="done")
    await call


async def whole(house: House) -> None:
    """A message that does not stream."""
    call = asyncio.create_task(house.api.send("POST", "/v1/messages", json=MESSAGE | {"stream": False}))
    await (await house.claimed()).says(json.dumps({"type": "message"}).encode(), mark="done")
    await call


async def left(house: House) -> None:
    """A client that leaves after the first event."""

    async def first_event() -> None:
        async with house.api.stream(MESSAGE) as stream:
            await anext(stream)

    call = asyncio.create_task(first_event())
    await (await house.claimed()).says(*said.answer("a")[:3])
    await call
    await house.subscribers(0)


async def refused(house: House) -> None:
    """A body that is none."""
    assert (await house.api.send("POST", "/v1/messages", content=b"{")).status_code == 400


async def followed(house: House) -> None:
    """A job, its events and its view."""
    job_id = await house.api.submit(MESSAGE)
    await (await house.claimed()).says(*said.answer("a"), mark="done")
    await house.api.followed(job_id)
    await house.api.view(job_id)


@pytest.mark.parametrize("call", [streamed, whole, left, refused, followed])
async def test_a_call_leaves_nothing_to_the_collector(house: House, call: Call) -> None:
    """Prompts of 32 MB would wait for it, and it looks rarely (`telemetry/collector.py`)."""
    await call(house)
    with garbage_of("gateway", "streamlog", "uvicorn", "starlette", "fastapi") as garbage:
        await call(house)
        await call(house)
    assert not garbage
