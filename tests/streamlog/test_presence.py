"""Presence: Redis hears at once who comes and who leaves, and again and again who stays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from streamlog.presence import Presence
from streamlog.scripts import Argument
from streamlog.settings import JobSettings
from tests.streamlog.world import World
from tests.support.facts import true
from tests.support.valkey import Valkey

WATCH_S = 1.2


@asynccontextmanager
async def _presence(world: World) -> AsyncIterator[Presence]:
    """One gateway's word, repeated each 0.4 s."""
    presence = Presence(world.line, "g1", JobSettings(watch_s=WATCH_S))
    await presence.start()
    try:
        yield presence
    finally:
        await presence.close()


@pytest.fixture
async def presence(world: World) -> AsyncIterator[Presence]:
    """A gateway in the world."""
    async with _presence(world) as presence:
        yield presence


async def _word_ms(world: World, job_id: str) -> int | None:
    """Until when the gateway watches, or None."""
    word = await world.call("HGET", world.keys.watch(job_id), "g1")
    return None if word is None else int(word)


async def _says(world: World, job_id: str, watching: bool) -> None:
    async def heard() -> bool:
        return (await _word_ms(world, job_id) is not None) is watching

    await true(heard)


async def test_a_first_subscriber_is_said_at_once(world: World, presence: Presence) -> None:
    """A job is watched from the moment that somebody joins it."""
    job_id = await world.submit()
    presence.join(job_id, known=False)
    await _says(world, job_id, True)
    assert presence.subscribers == 1


async def test_the_submit_has_spoken_for_its_own_subscriber(world: World, presence: Presence) -> None:
    """`known` costs no call."""
    job_id = await world.submit()
    presence.join(job_id, known=True)
    await world.call("PING")
    assert await _word_ms(world, job_id) is None


async def test_only_the_last_subscriber_takes_the_word_along(world: World, presence: Presence) -> None:
    """While one stays, the job is watched; the leaving of the last is stamped."""
    job_id = await world.submit(gateway="g1")
    for _ in range(2):
        presence.join(job_id, known=True)
    presence.leave(job_id, ended=False)
    await world.call("PING")
    assert await _word_ms(world, job_id) is not None
    presence.leave(job_id, ended=False)
    await _says(world, job_id, False)
    assert int(await world.call("HGET", world.keys.record(job_id), "left_ms")) > 0
    assert presence.subscribers == 0


async def test_nobody_needs_to_know_who_leaves_an_ended_job(world: World, presence: Presence) -> None:
    """`ended` costs no call."""
    job_id = await world.submit(gateway="g1")
    presence.join(job_id, known=True)
    presence.leave(job_id, ended=True)
    await world.call("PING")
    assert await _word_ms(world, job_id) is not None
    assert presence.subscribers == 0


async def test_the_word_is_repeated_while_somebody_stays(world: World, presence: Presence) -> None:
    """For all jobs, and before it runs out."""
    jobs = [await world.submit() for _ in range(3)]
    for job_id in jobs:
        presence.join(job_id, known=False)
        await _says(world, job_id, True)
    first = [await _word_ms(world, job_id) or 0 for job_id in jobs]

    async def later() -> bool:
        return all([(await _word_ms(world, job_id) or 0) > word for job_id, word in zip(jobs, first, strict=True)])

    await true(later, within_s=WATCH_S)


async def test_the_word_is_not_repeated_for_who_left(world: World, presence: Presence) -> None:
    """A gateway speaks for its present subscribers only."""
    left, stays = await world.submit(), await world.submit()
    for job_id in (left, stays):
        presence.join(job_id, known=False)
        await _says(world, job_id, True)
    presence.leave(left, ended=False)
    before = await _word_ms(world, stays) or 0

    async def repeated() -> bool:
        return (await _word_ms(world, stays) or 0) > before

    await true(repeated)
    assert await _word_ms(world, left) is None


async def test_who_leaves_while_a_round_is_said_is_not_spoken_for(
    world: World, presence: Presence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long round goes in pages, and each page speaks for those who are still there."""
    monkeypatch.setattr("streamlog.presence._PAGE", 1)
    stays, leaves = await world.submit(), await world.submit()
    for job_id in (stays, leaves):
        presence.join(job_id, known=True)
    say, rounds = world.line.script, 0

    def leave_during_the_first_page(name: str, *args: Argument) -> asyncio.Future[Any]:
        nonlocal rounds
        rounds += stays in args
        if stays in args and rounds == 1:
            presence.leave(leaves, ended=False)
        return say(name, *args)

    monkeypatch.setattr(world.line, "script", leave_during_the_first_page)

    async def said_twice() -> bool:
        return rounds == 2

    await true(said_twice)
    assert await _word_ms(world, stays) is not None
    assert await _word_ms(world, leaves) is None


async def test_a_server_that_was_frozen_hears_the_word_again(private: Valkey) -> None:
    """A round that failed does not end the rounds."""
    async with World(private.url, timeout_s=0.2) as world, _presence(world) as presence:
        job_id = await world.submit()
        presence.join(job_id, known=True)
        private.freeze()
        await true(lambda: _round_failed(world))
        private.thaw()
        async with world.client() as client:

            async def heard() -> bool:
                return bool(await client.exists(world.keys.watch(job_id)))

            await true(heard)


async def _round_failed(world: World) -> bool:
    """Nothing but a round was asked, and its connection was given up."""
    return not world.line.connected


async def test_a_lost_connection_does_not_end_the_word(world: World, presence: Presence) -> None:
    """The next round says it again."""
    job_id = await world.submit()
    presence.join(job_id, known=False)
    await _says(world, job_id, True)
    await world.call("DEL", world.keys.watch(job_id))
    world.line.drop()
    await _says(world, job_id, True)
