"""streamlog/call.py: parts travel together, are told one by one, and stay in their order."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from streamlog.call import Call, Joined, Part, joined

ONE, OTHER = ("EVALSHA", "one"), ("EVALSHA", "other")


def part(number: int, command: tuple[str, ...] = ONE, size: int = 10) -> Part:
    return Part(command, (number,), size, deadline=float(number))


async def test_neighbours_of_one_command_become_one_call() -> None:
    """And whatever stands between them keeps its place."""
    plain = Call(b"*1\r\n$4\r\nPING\r\n", 9.0)
    calls = [part(1), part(2), plain, part(3), part(4, OTHER), part(5, OTHER)]
    found = list(joined(calls))
    assert [len(call.again()) for call in found] == [2, 1, 1, 2]
    assert found[1] is plain
    assert found[0].packed == b"*4\r\n$7\r\nEVALSHA\r\n$3\r\none\r\n$1\r\n1\r\n$1\r\n2\r\n"
    assert [call for one in found for call in one.again()] == calls


@pytest.mark.parametrize(("size", "most"), [(10, 64), (32 * 1024, 2), (1 << 20, 1)])
async def test_a_joined_call_is_limited(size: int, most: int) -> None:
    """In parts and in bytes: Redis does nothing else meanwhile."""
    found = list(joined(part(number, size=size) for number in range(200)))
    assert {len(call.again()) for call in found[:-1]} == {most}
    assert sum(len(call.again()) for call in found) == 200


async def test_each_part_is_told_its_own_answer() -> None:
    """An error among the answers is one part's."""
    parts = [part(number) for number in range(3)]
    Joined(parts).settle([b"a", ResponseError("WRONGTYPE"), b"c"])
    told = await asyncio.gather(*(one.answer() for one in parts), return_exceptions=True)
    assert (told[0], str(told[1]), told[2]) == (b"a", "WRONGTYPE", b"c")


@pytest.mark.parametrize("reply", [[b"a", b"b"], [], b"OK", None, [b"a"] * 4])
async def test_an_answer_that_is_not_one_for_each_part_fails_them_all(reply: object) -> None:
    """They are sent, and nothing else would ever tell them."""
    parts = [part(number) for number in range(3)]
    Joined(parts).settle(reply)
    for one in parts:
        with pytest.raises(ResponseError, match="each part"):
            await asyncio.wait_for(one.answer(), 1)


async def test_what_fails_fails_every_part() -> None:
    """With one error."""
    parts = [part(number) for number in range(3)]
    waiting = asyncio.create_task(parts[0].answer())
    await asyncio.sleep(0)
    Joined(parts).fail(RedisConnectionError("gone"))
    for told in (waiting, parts[1].answer(), parts[2].answer()):
        with pytest.raises(RedisConnectionError, match="gone"):
            await told


async def test_after_a_lost_connection_what_has_no_answer_is_sent_again() -> None:
    """Part by part; not what has failed, nor what nobody wants any more."""
    parts = [part(number) for number in range(3)]
    together = Joined(parts)
    parts[1].fail(RedisConnectionError("late"))
    parts[2].future().cancel()
    assert list(together.again()) == [parts[0]]


async def test_whoever_asks_late_is_told_too() -> None:
    """An answer waits for its reader."""
    call = Call(b"", 0.0)
    call.settle(b"there")
    assert await call.answer() == b"there"
    assert await call.future() == b"there"
    assert call.done and not call.wanted
