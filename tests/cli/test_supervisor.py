import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable

import pytest

from cli.command import CannotGoOn, Command, Stage
from cli.embedded_redis import Store
from cli.leash_holder import LeashHolder
from cli.plan import Plan
from cli.ready import Ready
from cli.supervisor import Stop, Supervisor, supervise
from tests.cli.houses import Diary
from tests.cli.waiting import gone, soon

Started = Callable[..., Command]


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    """One whose children end with the test."""
    async with LeashHolder() as leash:
        made = Supervisor(leash, lambda name, line: None, lambda text: None)
        yield made
        made.kill()
        await made.stop(5)


def _room(diary: Diary, name: str, *words: object, stage: Stage = Stage.SERVING) -> Command:
    return Command(name, diary.argv(name, *words), dict(os.environ), stage)


async def _begun(diary: Diary, *names: str) -> None:
    await soon(lambda: all(diary.pids(name) for name in names))


async def test_what_stands_on_others_is_stopped_before_them(supervisor: Supervisor, diary: Diary) -> None:
    """First what serves, then the upstream, the store last; each stage has ended before the next is asked."""
    supervisor.start(
        (
            _room(diary, "store", stage=Stage.STORE),
            _room(diary, "upstream", stage=Stage.UPSTREAM),
            _room(diary, "gateway"),
            _room(diary, "worker"),
        )
    )
    await _begun(diary, "store", "upstream", "gateway", "worker")
    await supervisor.stop(10)
    ends = diary.lines[4:]
    assert set(ends[:4]) == {"gateway SIGTERM", "worker SIGTERM", "gateway ended", "worker ended"}
    assert ends[4:] == ["upstream SIGTERM", "upstream ended", "store SIGTERM", "store ended"]


async def test_what_does_not_stop_is_killed_after_the_limit(supervisor: Supervisor, diary: Diary) -> None:
    """One stubborn room neither stays nor keeps the others from being stopped."""
    supervisor.start((_room(diary, "worker", "--stubborn"), _room(diary, "store", stage=Stage.STORE)))
    await _begun(diary, "worker", "store")
    began = time.monotonic()
    await supervisor.stop(0.3)
    assert time.monotonic() - began >= 0.3
    assert diary.lines[-3:] == ["worker SIGTERM", "store SIGTERM", "store ended"]
    assert gone(diary.pids("worker")[0])


async def test_the_first_that_is_given_up_is_told(supervisor: Supervisor, diary: Diary) -> None:
    """`failed` carries the words for the user."""
    supervisor.start((_room(diary, "gateway", "--exit", 2), _room(diary, "worker")))
    with pytest.raises(CannotGoOn, match="gateway refused to start"):
        await asyncio.wait_for(asyncio.shield(supervisor.failed), 10)


def _plan(redis_url: str, *commands: Command, port: int, drain_s: float = 5.0) -> Plan:
    ready = (Ready(f"http://127.0.0.1:{port}/readyz", {"workers": 1}),)
    return Plan(Store(redis_url, "test"), commands, ready, drain_s, "http://test", "nobody", False, ())


class Outcome:
    """What a supervised plan said."""

    def __init__(self, plan: Plan) -> None:
        self.stop = Stop()
        self.said: list[str] = []
        self.announced = asyncio.Event()
        relay = lambda name, line: self.said.append(f"{name}: {line}")  # noqa: E731 - shortest here
        self.code = asyncio.create_task(supervise(plan, self.stop, relay, self.said.append, self.announced.set))


async def test_it_is_announced_when_ready_and_ends_when_asked(redis_url: str, diary: Diary, port: int) -> None:
    """The whole life, orderly: exit code 0."""
    outcome = Outcome(_plan(redis_url, _room(diary, "gateway", "--port", port), port=port))
    await asyncio.wait_for(outcome.announced.wait(), 10)
    outcome.stop.ask()
    assert await asyncio.wait_for(outcome.code, 10) == 0
    assert outcome.said == ["gateway: gateway says hello", "stopping (Ctrl-C again: at once)", "stopped"]
    assert diary.lines[-1] == "gateway ended"


async def test_a_terminal_that_left_never_means_at_once() -> None:
    """A hang-up is told twice: by SIGHUP, and by the failed write."""
    stop = Stop()
    stop.nobody_there()
    stop.nobody_there()
    assert stop.asked.is_set()
    assert not stop.at_once.is_set()


async def test_it_can_be_stopped_before_it_is_ready(redis_url: str, diary: Diary, port: int) -> None:
    """Nobody waits for readiness once a signal has come."""
    outcome = Outcome(_plan(redis_url, _room(diary, "gateway"), port=port))
    await _begun(diary, "gateway")
    outcome.stop.ask()
    assert await asyncio.wait_for(outcome.code, 10) == 0
    assert not outcome.announced.is_set()
    assert diary.lines[-1] == "gateway ended"


async def test_a_refusal_stops_everything(redis_url: str, diary: Diary, port: int) -> None:
    """The room's own words are relayed, the others are stopped, exit code 1."""
    rooms = (_room(diary, "gateway", "--exit", 2), _room(diary, "worker"))
    outcome = Outcome(_plan(redis_url, *rooms, port=port))
    assert await asyncio.wait_for(outcome.code, 10) == 1
    assert "gateway: gateway says hello" in outcome.said
    assert outcome.said[-2:] == ["gateway refused to start; its own words are above. Stopping everything.", "stopped"]
    assert len(diary.pids("gateway")) == 1


async def test_a_room_that_cannot_be_kept_stops_everything_after_it_was_ready(
    redis_url: str, diary: Diary, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Giving up is not a thing of the start only."""
    monkeypatch.setattr("cli.restarts.FIRST_PAUSE_S", 0.05)
    rooms = (_room(diary, "gateway", "--port", port), _room(diary, "worker", "--exit", 1))
    outcome = Outcome(_plan(redis_url, *rooms, port=port))
    assert await asyncio.wait_for(outcome.code, 30) == 1
    assert any(line.startswith("worker died 5 times") for line in outcome.said)
    assert diary.lines[-1] == "gateway ended"


async def test_what_never_gets_ready_is_stopped(
    redis_url: str, diary: Diary, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait has a limit, and the line says what was missing."""
    monkeypatch.setattr("cli.supervisor._READY_S", 0.2)
    outcome = Outcome(_plan(redis_url, _room(diary, "gateway"), port=port))
    assert await asyncio.wait_for(outcome.code, 10) == 1
    assert outcome.said[-2].startswith(f"Not ready after 0.2 s: http://127.0.0.1:{port}/readyz does not answer")


async def test_without_redis_nothing_else_is_started(diary: Diary, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A given Redis is asked before anything stands on it."""
    monkeypatch.setattr("cli.supervisor._GIVEN_ANSWERS_S", 0.1)
    outcome = Outcome(_plan("redis://127.0.0.1:1/0", _room(diary, "gateway"), port=port))
    assert await asyncio.wait_for(outcome.code, 10) == 1
    assert outcome.said[0].startswith("Redis at redis://127.0.0.1:1/0 does not answer")
    assert diary.lines == []


async def test_asking_again_kills_at_once(redis_url: str, diary: Diary, port: int) -> None:
    """The second Ctrl-C does not wait out a long drain."""
    room = _room(diary, "gateway", "--port", port, "--stubborn")
    outcome = Outcome(_plan(redis_url, room, port=port, drain_s=300))
    await asyncio.wait_for(outcome.announced.wait(), 10)
    outcome.stop.ask()
    await soon(lambda: "gateway SIGTERM" in diary.lines)
    outcome.stop.ask()
    assert await asyncio.wait_for(outcome.code, 10) == 0
    assert "gateway ended" not in diary.lines
