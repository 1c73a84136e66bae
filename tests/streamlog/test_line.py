"""The line: all calls of a process in order on one connection, whatever happens to the connection."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from streamlog.claims import Claim
from tests.streamlog.world import EVENT, World, arguments
from tests.support.facts import true
from tests.support.valkey import Valkey

TIMEOUT_S = 0.4


@pytest.fixture
async def mortal(private: Valkey) -> AsyncIterator[World]:
    """A world on a server that may be frozen and killed; its calls fail after `TIMEOUT_S`."""
    async with World(private.url, timeout_s=TIMEOUT_S) as world:
        await world.call("PING")
        yield world


def _append(world: World, claim: Claim, number: int) -> asyncio.Future[Any]:
    """One frame after the one before: out of order, it is refused."""
    return world.line.script("append", claim.job_id, claim.attempt, number - 1, number, number, "", b"%d," % number)


async def _written(world: World, claim: Claim, answers: Sequence[asyncio.Future[Any]]) -> None:
    """Each call was taken, and the log holds each frame once and in order."""
    words = {answer[0] for answer in await asyncio.gather(*answers)}
    assert words <= {b"written", b"repeated"}
    frames = b"".join(b"%d," % number for number in range(1, len(answers) + 1))
    assert await world.frames(claim.job_id) == frames


async def _kill_own_connection(world: World, client_id: int) -> asyncio.Future[Any]:
    """Between two calls of one pipeline, Redis closes the connection that they travel on."""
    return world.line.command("CLIENT", "KILL", "ID", client_id, "SKIPME", "no")


async def test_calls_arrive_in_the_order_in_which_they_are_made(world: World) -> None:
    """Hundreds of calls of many tasks, none before another that was made earlier."""
    key = world.keys.bell
    await asyncio.gather(*(world.call("RPUSH", key, number) for number in range(500)))
    assert await world.call("LRANGE", key, 0, -1) == [b"%d" % number for number in range(500)]


async def test_parts_are_sent_again_after_a_lost_connection(world: World) -> None:
    """Chunks that travelled together, and were answered by nobody, are each there once."""
    claim, writer = await world.running()
    await writer.write([b"1,"])
    me = await world.call("CLIENT", "ID")
    killed = await _kill_own_connection(world, me)
    parts = [world.line.post("appends", arguments(claim, n, b"%d," % n), 2) for n in range(2, 200)]
    assert {await part.answer() for part in parts} <= {b"written", b"repeated"}
    await asyncio.gather(killed, return_exceptions=True)
    frames = await world.frames(claim.job_id)
    assert frames.endswith(b"".join(b"%d," % number for number in range(2, 200)))


async def test_more_than_a_socket_takes_is_written_by_and_by(world: World) -> None:
    """Many megabytes made at once arrive whole and in order."""
    key = world.keys.bell
    await world.call("PING")
    calls = [world.line.command("RPUSH", key, b"x" * 100_000) for _ in range(100)]
    await asyncio.sleep(0)
    calls.append(world.line.command("RPUSH", key, "made while the socket was full"))
    assert await asyncio.gather(*calls) == list(range(1, 102))
    await world.call("DEL", key)


async def test_an_error_concerns_only_its_own_call(world: World) -> None:
    """Its neighbours get their own answers."""
    answers = await asyncio.gather(
        world.call("SET", world.keys.bell, "a"),
        world.call("LPUSH", world.keys.bell, "b"),
        world.call("GET", world.keys.bell),
        return_exceptions=True,
    )
    assert isinstance(answers[1], ResponseError)
    assert "WRONGTYPE" in str(answers[1])
    assert answers[2] == b"a"


async def test_a_caller_that_gave_up_does_not_shift_the_answers(world: World) -> None:
    """The answer of a cancelled call goes to nobody else."""
    client_id = await world.call("CLIENT", "ID")
    calls = [world.line.command("ECHO", str(number)) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    calls[1].cancel()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert [answer for answer in answers if isinstance(answer, bytes)] == [b"0", b"2", b"3", b"4"]
    assert await world.call("CLIENT", "ID") == client_id


async def test_calls_before_the_connection_wait_for_it(valkey: Valkey) -> None:
    """A call made at once after `start` is answered."""
    async with World(valkey.url) as world:
        assert not world.line.connected
        assert await world.call("ECHO", "early") == b"early"
        assert world.line.connected


async def test_a_connection_killed_in_the_midst_of_a_pipeline_loses_nothing(world: World) -> None:
    """What was not answered is sent again in its order, so each chunk finds its predecessor."""
    claim, _ = await world.running()
    client_id = await world.call("CLIENT", "ID")
    answers = [_append(world, claim, number) for number in range(1, 101)]
    killed = await _kill_own_connection(world, client_id)
    answers += [_append(world, claim, number) for number in range(101, 201)]
    await _written(world, claim, answers)
    await killed
    assert await world.call("CLIENT", "ID") != client_id


async def test_a_connection_killed_by_others_again_and_again_loses_nothing(world: World) -> None:
    """Whenever the kill comes: before the call arrives, after its answer left, or in between."""
    claim, writer = await world.running()
    client = world.client()
    written = asyncio.create_task(_write_frames(writer.write, 200))
    kills = 0
    while not written.done():
        kills += await client.client_kill_filter(_id=await world.call("CLIENT", "ID"))
    await written
    await client.aclose()
    assert kills > 5
    assert (await world.frames(claim.job_id)).count(EVENT) == 200
    assert (await world.record(claim.job_id)).last == (claim.attempt, 200)


async def _write_frames(write: Any, count: int) -> None:
    for _ in range(count):
        await write([EVENT])


async def test_a_call_that_must_not_be_repeated_fails_instead(world: World) -> None:
    """`once` calls on a lost connection raise, and have reached Redis at most once."""
    client_id = await world.call("CLIENT", "ID")
    killed = await _kill_own_connection(world, client_id)
    once = world.line.command("INCR", world.keys.bell, once=True)
    again = world.line.command("ECHO", "again")
    with pytest.raises(RedisConnectionError):
        await once
    assert await again == b"again"
    await killed
    assert await world.call("GET", world.keys.bell) in (None, b"1")


async def test_forgotten_scripts_are_unseen_and_keep_the_order(world: World) -> None:
    """SCRIPT FLUSH between two calls of a pipeline: all are taken, each after its predecessor."""
    claim, _ = await world.running()
    answers = [_append(world, claim, number) for number in range(1, 21)]
    flushed = world.line.command("SCRIPT", "FLUSH")
    answers += [_append(world, claim, number) for number in range(21, 41)]
    await _written(world, claim, answers)
    await flushed


async def test_a_frozen_server_fails_calls_in_time_and_serves_them_afterwards(private: Valkey, mortal: World) -> None:
    """No call hangs, and none fails once the server answers again."""
    loop = asyncio.get_running_loop()
    private.freeze()
    began = loop.time()
    answers = await asyncio.gather(*(mortal.call("ECHO", "x") for _ in range(3)), return_exceptions=True)
    waited = loop.time() - began
    await true(lambda: _given_up(mortal))
    private.thaw()
    assert [type(answer) for answer in answers] == [RedisTimeoutError] * 3
    assert TIMEOUT_S * 0.9 <= waited < TIMEOUT_S + 2
    await _until_answered(mortal)


async def _given_up(world: World) -> bool:
    return not world.line.connected


async def test_a_late_answer_goes_to_nobody(private: Valkey, mortal: World) -> None:
    """What a server says after the deadline does not answer a later call."""
    private.freeze()
    with pytest.raises(RedisTimeoutError):
        await mortal.call("ECHO", "old")
    private.thaw()
    assert set(await asyncio.gather(*(_until_answered(mortal, f"new {number}") for number in range(5)))) == {
        f"new {number}".encode() for number in range(5)
    }


async def _until_answered(world: World, word: str = "x") -> bytes:
    """Ask until there is an answer: a connection made to a frozen server may still have to time out."""
    async with asyncio.timeout(10):
        while True:
            try:
                answer: bytes = await world.call("ECHO", word)
            except RedisTimeoutError:
                continue
            return answer


async def test_a_restarted_server_is_survived(private: Valkey) -> None:
    """Calls made while it was away are answered when it is back, scripts included."""
    async with World(private.url) as world:
        await world.call("PING")
        private.kill()
        waiting = [asyncio.create_task(world.submit()), asyncio.create_task(world.submit())]
        private.start()
        await asyncio.gather(*waiting)
        assert await world.call("ZCARD", world.keys.queue) == 2


async def test_calls_that_failed_in_an_outage_are_not_kept(private: Valkey, mortal: World) -> None:
    """However long Redis is away, what has failed takes no memory."""
    private.kill()
    body = b"x" * 1000
    held = sys.getrefcount(body)
    answers = await asyncio.gather(*(mortal.call("SET", "key", body) for _ in range(50)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {RedisTimeoutError}
    del answers

    async def let_go() -> bool:
        return sys.getrefcount(body) == held

    await true(let_go, within_s=3)


async def test_close_ends_at_any_moment(valkey: Valkey) -> None:
    """Also while it connects, step by step; and nothing runs on afterwards."""
    for steps in range(30):
        world = World(valkey.url)
        await world.line.start()
        for _ in range(steps):
            await asyncio.sleep(0)
        await asyncio.wait_for(world.line.close(), 5)
        assert len(asyncio.all_tasks()) == 1


async def test_close_fails_what_is_unanswered(private: Valkey, mortal: World) -> None:
    """Nobody waits for a line that is closed."""
    private.freeze()
    sent = mortal.line.command("ECHO", "sent")
    await asyncio.sleep(0)
    waits = mortal.line.command("ECHO", "waits")
    await mortal.line.close()
    for answer in (sent, waits):
        with pytest.raises(RedisConnectionError):
            await answer
    private.thaw()


async def test_a_call_on_a_closed_line_fails_at_once(world: World) -> None:
    """It would wait for a connection that never comes."""
    await world.line.close()
    with pytest.raises(RedisConnectionError):
        await asyncio.wait_for(world.line.command("PING"), 1)
