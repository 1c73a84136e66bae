"""Large bodies travel in portions: whole or not at all, and never kept for longer than they should live."""

import asyncio
from typing import Any
from unittest import mock

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from streamlog.bodies import PORTION_BYTES, fetch, store
from streamlog.errors import InternalError
from tests.streamlog.world import World

LIFE_MS = 60_000


SIZES = [0, 1, PORTION_BYTES - 1, PORTION_BYTES, PORTION_BYTES + 1, 3 * PORTION_BYTES]


@pytest.mark.parametrize("size", SIZES)
async def test_a_body_is_stored_whole_and_expires(world: World, size: int) -> None:
    """At the edges of a portion too."""
    key, body = world.keys.body("job"), bytes(number % 251 for number in range(size))
    await (await store(world.line, key, body, LIFE_MS))
    assert await world.call("GET", key) == body
    assert 0 < await world.call("PTTL", key) <= LIFE_MS
    await world.call("DEL", key)


async def test_a_small_body_leaves_with_what_is_called_next(world: World) -> None:
    """One write: no round trip is added to a first token."""
    await world.call("PING")
    assert world.line._wire is not None
    transport = world.line._wire.transport
    with mock.patch.object(world.line._wire, "transport", wraps=transport) as written:
        stored = await store(world.line, world.keys.body("job"), b"{}", LIFE_MS)
        await asyncio.gather(stored, world.line.command("PING"))
    assert written.write.call_count == 1
    await world.call("DEL", world.keys.body("job"))


async def test_other_calls_go_between_the_portions(world: World) -> None:
    """Who asks while 8 MB are stored does not wait for the last of them."""
    key = world.keys.body("job")
    storing = asyncio.create_task(store(world.line, key, b"x" * (8 << 20), LIFE_MS))
    for _ in range(5):
        assert await world.call("STRLEN", key) < 8 << 20
    await storing
    assert await world.call("STRLEN", key) == 8 << 20
    await world.call("DEL", key)


class _Disturbed:
    """A line on which something else reaches Redis right before each portion but the first."""

    def __init__(self, world: World, *before: str | int) -> None:
        self._line = world.line
        self._before = before

    def command(self, *command: Any, once: bool = False) -> asyncio.Future[Any]:
        if command[0] == "APPEND" or (command[0] == "GETRANGE" and command[2] != 0):
            self._line.command(*self._before)
        return self._line.command(*command, once=once)


async def _store_disturbed(world: World, *before: str | int) -> None:
    line: Any = _Disturbed(world, *before)
    await store(line, world.keys.body("job"), b"x" * (2 * PORTION_BYTES), LIFE_MS)


async def test_a_body_that_redis_lost_half_of_is_no_body(world: World) -> None:
    """The caller is told, and what came after the loss expires as well."""
    key = world.keys.body("job")
    with pytest.raises(InternalError) as error:
        await _store_disturbed(world, "DEL", key)
    assert error.value.code == "request_lost"
    assert await world.call("PTTL", key) > 0
    await world.call("DEL", key)


async def test_a_portion_is_never_sent_twice(world: World) -> None:
    """It is not known whether it arrived, so the call fails and the client may come again."""
    own_id = await world.call("CLIENT", "ID")
    with pytest.raises(RedisConnectionError):
        await _store_disturbed(world, "CLIENT", "KILL", "ID", own_id, "SKIPME", "no")
    await world.call("DEL", world.keys.body("job"))


@pytest.mark.parametrize("size", SIZES)
async def test_a_body_is_fetched_whole(world: World, size: int) -> None:
    """At the edges of a portion too."""
    key, body = world.keys.body("job"), bytes(number % 251 for number in range(size))
    await world.call("SET", key, body)
    assert await fetch(world.line, key) == body
    await world.call("DEL", key)


async def test_half_a_body_is_never_fetched(world: World) -> None:
    """A job that is over has none, also when it ends while its body is fetched."""
    key = world.keys.body("job")
    assert await fetch(world.line, key) is None
    await world.call("SET", key, b"x" * (3 * PORTION_BYTES))
    line: Any = _Disturbed(world, "DEL", key)
    assert await fetch(line, key) is None


async def test_other_answers_come_between_the_portions(world: World) -> None:
    """What is appended while 32 MB are fetched is not acknowledged after them."""
    key = world.keys.body("job")
    await world.call("SET", key, b"x" * (32 << 20))
    fetching = asyncio.create_task(fetch(world.line, key))
    for _ in range(5):
        await world.call("PING")
    assert not fetching.done()
    await fetching
    await world.call("DEL", key)
