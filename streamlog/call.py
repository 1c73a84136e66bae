"""A call to Redis on its way: what is sent, and who is told what came of it.

Invariant: whoever asks is told once, an answer or an error; calls that travel as one are told one by one.
Does not know: connections, scripts.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from redis.exceptions import ResponseError

from streamlog.link import packed
from streamlog.scripts import Argument

_MOST_PARTS = 64
_JOINED_BYTES = 64 * 1024


class Call:
    """One call on its way. `done` once its answer is there, the `reply`, or it has failed: then that is None."""

    __slots__ = ("_error", "_waiter", "deadline", "done", "once", "packed", "reply", "size")

    def __init__(self, packed: bytes, deadline: float, once: bool = False) -> None:
        self.packed = packed
        self.size = len(packed)
        self.deadline = deadline
        self.once = once
        self.done = False
        self.reply: Any = None
        self._error: Exception | None = None
        self._waiter: asyncio.Future[Any] | None = None

    def future(self) -> asyncio.Future[Any]:
        """Told once the call is done. Cancelling it takes back a call that has not been sent yet."""
        self._waiter = asyncio.get_running_loop().create_future()
        if self.done:
            self._tell()
        return self._waiter

    async def answer(self) -> Any:
        """What Redis answers. Raises as `Line.script` says. At most one may wait for it."""
        if not self.done:
            return await self.future()
        if self._error is not None:
            raise self._error
        return self.reply

    @property
    def wanted(self) -> bool:
        """Whether it is still to be answered."""
        return not self.done and (self._waiter is None or not self._waiter.done())

    def settle(self, reply: Any) -> None:
        self.done, self.reply = True, reply
        self._tell()

    def fail(self, error: Exception) -> None:
        if not self.done:
            self.done, self._error = True, error
            self._tell()

    def _tell(self) -> None:
        if self._waiter is None or self._waiter.done():
            return
        if self._error is not None:
            self._waiter.set_exception(self._error)
        else:
            self._waiter.set_result(self.reply)

    def again(self) -> "Sequence[Call]":
        """What is to be sent once more after its connection was lost, in order."""
        return (self,) if self.wanted else ()


class Part(Call):
    """A call that travels with its likes as one (`Joined`): `args` are what it adds to that one's."""

    __slots__ = ("args", "command")

    def __init__(self, command: tuple[Argument, ...], args: tuple[Argument, ...], size: int, deadline: float) -> None:
        super().__init__(b"", deadline)
        self.command = command
        self.args = args
        self.size = size


class Joined(Call):
    """Several parts as one call, which Redis answers with one answer each."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[Part]) -> None:
        args = [arg for part in parts for arg in part.args]
        super().__init__(packed((*parts[0].command, *args)), parts[0].deadline)
        self._parts = parts

    def settle(self, reply: Any) -> None:
        if not isinstance(reply, list) or len(reply) != len(self._parts):
            self.fail(ResponseError("not an answer for each part"))  # nobody watches over them any more
            return
        self.done = True
        for part, told in zip(self._parts, reply, strict=True):
            part.fail(told) if isinstance(told, ResponseError) else part.settle(told)

    def fail(self, error: Exception) -> None:
        self.done = True
        for part in self._parts:
            part.fail(error)

    def again(self) -> Sequence[Call]:
        return [part for part in self._parts if part.wanted]


def joined(calls: Iterable[Call]) -> Iterator[Call]:
    """The same calls in the same order, with neighbours that are parts of one command as one: at most 64, and at most
    64 KB and a part, so that Redis is not held up."""
    parts: list[Part] = []
    size = 0
    for call in calls:
        part = call if isinstance(call, Part) else None
        alike = part is not None and parts and part.command == parts[0].command
        if parts and not (alike and len(parts) < _MOST_PARTS and size < _JOINED_BYTES):
            yield Joined(parts)
            parts, size = [], 0
        if part is None:
            yield call
        else:
            parts.append(part)
            size += part.size
    if parts:
        yield Joined(parts)
