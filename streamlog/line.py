"""One connection to Redis on which all calls of a process travel as a pipeline.

Calls of one loop turn leave in one write and are answered in order, so a call costs a future and no round trip of
its own (an awaited command each costs 130 µs, pipelined 6). While answers are due, calls wait for these and then leave
together, as small packets do by Nagle's rule: the busier Redis is, the more of them join, and an only one waits for
nothing (`docs/decisions/0010-calls-to-redis-join.md`).
Invariant: calls reach Redis in the order in which they were made. After a lost connection, or when Redis has
forgotten the scripts, what was not answered is sent again in that order, so callers make only calls that are safe to
repeat, or say `once=True` and get the error instead. No call waits longer than the timeout.
Does not know: what the calls do.
"""

import asyncio
from collections import deque
from time import monotonic
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from streamlog.call import Call, Part, joined
from streamlog.link import Link, packed
from streamlog.scripts import Argument, Scripts
from streamlog.settings import RedisSettings

_ENOUGH_BYTES = 64 * 1024  # leave at once, whatever is due
_PATIENCE_S = 0.0003  # the same of those that have waited for so long, also within a long turn of the loop


class Line(Link):
    """Calls are made with `script` and `command` from `start` on, and never hang; they survive a restart of Redis."""

    def __init__(self, settings: RedisSettings, scripts: Scripts) -> None:
        super().__init__(settings)
        self._scripts = scripts
        self._spelled: dict[str, tuple[Argument, ...]] = {}  # what parts have in common
        self._waiting: deque[Call] = deque()  # not sent yet
        self._waiting_bytes = 0
        self._since = 0.0  # when the first of them came
        self._gather_until = 0.0
        self._sent: deque[Call] = deque()  # sent, not answered
        self._watch: asyncio.Task[None] | None = None
        self._closed = False
        self._answered = float("-inf")  # the deadline of the newest call that was answered

    @property
    def silent_s(self) -> float:
        """How long ago the newest call was made that Redis has answered: no answer was late before that."""
        return asyncio.get_running_loop().time() + self._timeout_s - self._answered

    async def start(self) -> None:
        await super().start()
        self._watch = asyncio.create_task(self._fail_late_calls(), name="line deadlines")

    async def close(self) -> None:
        """Drop the connection for good; what is unanswered fails."""
        if self._watch is not None:
            self._watch.cancel()
        self._closed = True
        await super().close()
        for call in (*self._sent, *self._waiting):
            call.fail(RedisConnectionError("the line was closed"))

    def script(self, name: str, *args: Argument, once: bool = False) -> asyncio.Future[Any]:
        """Call a script. The future raises what Redis answers as an error, `RedisTimeoutError` when the answer takes
        too long, and with `once` `RedisConnectionError` when it is not known whether the call got through."""
        return self.command(*self.spelled(name, *args), once=once)

    def spelled(self, name: str, *args: Argument) -> tuple[Argument, ...]:
        """The command that calls a script, for a connection of another kind."""
        return self._scripts[name].command(args)

    def command(self, *command: Argument, once: bool = False) -> asyncio.Future[Any]:
        """Call any command that answers once (so no SUBSCRIBE and nothing that blocks). Raises as `script`."""
        call = Call(packed(command), asyncio.get_running_loop().time() + self._timeout_s, once)
        self._accept(call)
        return call.future()

    def post(self, name: str, args: tuple[Argument, ...], size: int) -> Call:
        """Call a script that takes the arguments of many calls, about `size` bytes here, and answers each. Neighbours
        travel as one; nothing is made for a waiter until there is one."""
        command = self._spelled.get(name) or self._spelled.setdefault(name, self.spelled(name))
        part = Part(command, args, size, asyncio.get_running_loop().time() + self._timeout_s)
        self._accept(part)
        return part

    def gather(self, for_s: float) -> None:
        """What is called within that time belongs together: it waits for the end of its turn of the loop and for the
        answers that are due, however long these take."""
        self._gather_until = monotonic() + for_s

    def _accept(self, call: Call) -> None:
        if self._closed:
            call.fail(RedisConnectionError("the line was closed"))
            return
        now = monotonic()
        if not self._waiting:
            self._since = now
        self._waiting.append(call)
        self._waiting_bytes += call.size
        self._write_soon() if self._patient(now) else self._flush()

    def _patient(self, now: float) -> bool:
        """Whether what waits may go on waiting for more."""
        return now - self._since <= _PATIENCE_S or now < self._gather_until

    async def _greet(self, connection: AbstractConnection) -> None:
        """Make the scripts known: a Redis that was restarted has forgotten them."""
        texts = self._scripts.texts()
        for text in texts:
            await connection.send_command("SCRIPT", "LOAD", text)
        for _ in texts:
            await connection.read_response()

    def _pending(self) -> list[bytes]:
        if self._sent and self._waiting_bytes < _ENOUGH_BYTES and self._patient(monotonic()):
            return []
        calls = list(joined(call for call in self._waiting if call.wanted))
        self._waiting.clear()
        self._waiting_bytes = 0
        self._sent.extend(calls)
        return [call.packed for call in calls]

    def _reply(self, reply: Any) -> None:
        if isinstance(reply, ResponseError) and str(reply).startswith("NOSCRIPT"):
            raise RedisConnectionError("redis has forgotten the scripts")  # greet anew, and send again in order
        call = self._sent.popleft()
        self._answered = call.deadline
        if isinstance(reply, ResponseError):
            call.fail(reply)
        elif not call.done:
            call.settle(reply)

    def _read_over(self) -> None:
        if self._waiting and not self._sent:
            self._write_soon()

    def _lost(self) -> None:
        """What was sent and not answered goes to the head of what waits, in its order."""
        while self._sent:
            call = self._sent.pop()
            if call.once:
                call.fail(RedisConnectionError("the connection was lost before the answer came"))
            else:
                self._waiting.extendleft(reversed(call.again()))
        self._waiting_bytes = sum(call.size for call in self._waiting)

    async def _fail_late_calls(self) -> None:
        while True:
            await asyncio.sleep(min(0.25, self._timeout_s / 4))
            self._fail_late(asyncio.get_running_loop().time())

    def _fail_late(self, now: float) -> None:
        """Calls past their deadline fail; a connection that left one unanswered for so long is given up."""
        late = [call for call in (*self._sent, *self._waiting) if call.deadline <= now]
        for call in late:
            call.fail(RedisTimeoutError(f"no answer from redis within {self._timeout_s} s"))
        if late:  # in a long outage nothing else would let go of what has failed, bodies included
            self._waiting = deque(call for call in self._waiting if call.wanted)
            self._waiting_bytes = sum(call.size for call in self._waiting)
        if self._sent and self._sent[0].deadline <= now:
            self.drop()
