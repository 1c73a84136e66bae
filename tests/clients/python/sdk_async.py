"""Anthropic's Python SDK by its plain calls, the asynchronous way."""

import asyncio
from typing import Any

from anthropic import AsyncAnthropic

from tests.clients.python.sdk_calls import arguments, async_client_of, extras
from tests.clients.python.speaking import Asked, Loop, Outcome
from tests.clients.python.told import Told, second_turn, tell_message

_LOOP = Loop()


def talk_async(asked: Asked, outcome: Outcome) -> None:
    """The client `anthropic async`."""
    _LOOP.run(_KINDS[asked["kind"]](async_client_of(asked), asked, outcome))


async def _message(client: AsyncAnthropic, asked: Asked, outcome: Outcome) -> None:
    message = await client.messages.create(**arguments(client.messages.create, asked))
    tell_message(message.to_dict(), outcome)
    outcome["request_id"] = message._request_id is not None


async def _stream(client: AsyncAnthropic, asked: Asked, outcome: Outcome) -> None:
    told = Told(outcome)
    async with await _opened(client, asked) as stream:
        async for event in stream:
            told.take(event.to_dict())


async def _opened(client: AsyncAnthropic, asked: Asked) -> Any:
    return await client.messages.create(**arguments(client.messages.create, asked, stream=True))


async def _tool_loop(client: AsyncAnthropic, asked: Asked, outcome: Outcome) -> None:
    first: Outcome = {}
    await _stream(client, asked, first)
    body = second_turn(asked["body"], first["blocks"], asked["tool_result"])
    await _stream(client, asked | {"body": body}, outcome)
    outcome["tools"] = first["tools"] + outcome["tools"]
    outcome["stop_reasons"] = [first["stop_reason"], outcome["stop_reason"]]


async def _cancel(client: AsyncAnthropic, asked: Asked, outcome: Outcome) -> None:
    """By the cancellation of the task that reads, as a web framework does when its own client has left."""
    seen: Outcome = {}
    told = Told(seen)
    enough = asyncio.Event()

    async def read() -> None:
        async with await _opened(client, asked) as stream:
            async for event in stream:
                told.take(event.to_dict())
                if seen["pieces"] == asked["after"]:
                    outcome["text"] = seen["text"]
                    enough.set()

    reading = asyncio.create_task(read())
    first, _ = await asyncio.wait((reading, asyncio.create_task(enough.wait())), return_when=asyncio.FIRST_COMPLETED)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    assert reading not in first, "the stream has ended before"


async def _parallel(client: AsyncAnthropic, asked: Asked, outcome: Outcome) -> None:
    parts: list[Outcome] = [{} for _ in asked["bodies"]]
    works = [_stream(client, asked | {"body": body}, part) for body, part in zip(asked["bodies"], parts, strict=True)]
    await asyncio.gather(*works)
    outcome["parts"] = parts


async def _count_tokens(client: AsyncAnthropic, asked: Asked, outcome: Outcome) -> None:
    body = {name: value for name, value in asked["body"].items() if name != "max_tokens"}
    count = client.messages.count_tokens
    outcome["input_tokens"] = (await count(**arguments(count, asked | {"body": body}))).input_tokens


async def _models(client: AsyncAnthropic, asked: Asked, outcome: Outcome) -> None:
    pages = client.models.list(limit=asked["limit"], **extras(asked))
    outcome["models"] = [model.to_dict(mode="json") async for model in pages]


async def _model(client: AsyncAnthropic, asked: Asked, outcome: Outcome) -> None:
    outcome["model"] = (await client.models.retrieve(asked["model"], **extras(asked))).to_dict(mode="json")


_KINDS = {
    "message": _message,
    "stream": _stream,
    "tool_loop": _tool_loop,
    "cancel": _cancel,
    "parallel": _parallel,
    "count_tokens": _count_tokens,
    "models": _models,
    "model": _model,
}
