"""gateway/turns.py: many calls begin a few at a time, in order; one that comes alone waits for nothing."""

import asyncio

import pytest

from gateway import turns
from gateway.turns import Turns


async def test_one_that_comes_alone_waits_for_nothing() -> None:
    """It goes on in the very turn of the loop in which it came; so does the next one, a turn later."""
    waiting = Turns()
    for _ in range(3):
        mine = waiting.mine()
        with pytest.raises(StopIteration):
            mine.send(None)
        await asyncio.sleep(0)


async def test_many_begin_in_their_order_and_a_few_in_one_turn() -> None:
    """What else is to be done in the loop has its turn between them."""
    waiting, begun, turn = Turns(), [], 0

    async def call(number: int) -> None:
        await waiting.mine()
        begun.append((turn, number))

    calls = [asyncio.create_task(call(number)) for number in range(20)]
    while not all(task.done() for task in calls):
        await asyncio.sleep(0)
        turn += 1
    assert [number for _, number in begun] == list(range(20))
    of_turns = [[at for at, _ in begun].count(at) for at in range(turn + 1)]
    assert max(of_turns) == turns._A_TURN


async def test_whoever_comes_later_stands_behind_those_who_wait() -> None:
    """Also where its turn of the loop would have had room."""
    waiting, begun = Turns(), []

    async def call(number: int) -> None:
        await waiting.mine()
        begun.append(number)
        if number == 0:
            later.append(asyncio.create_task(call(100)))

    later: list[asyncio.Task[None]] = []
    await asyncio.gather(*(call(number) for number in range(3 * turns._A_TURN)))
    await asyncio.gather(*later)
    assert begun == [*range(3 * turns._A_TURN), 100]


async def test_one_that_is_cancelled_while_it_waits_holds_nobody_up() -> None:
    """The others have their turns."""
    waiting, begun = Turns(), []
    asyncio.get_running_loop().set_exception_handler(lambda *_: begun.append(-1))

    async def call(number: int) -> None:
        await waiting.mine()
        begun.append(number)

    calls = [asyncio.create_task(call(number)) for number in range(3 * turns._A_TURN)]
    await asyncio.sleep(0)
    for task in calls[turns._A_TURN : 2 * turns._A_TURN]:
        task.cancel()
    await asyncio.wait(calls)
    assert begun == [*range(turns._A_TURN), *range(2 * turns._A_TURN, 3 * turns._A_TURN)]
