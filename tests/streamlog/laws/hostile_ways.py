"""The laws of what somebody else wrote where an owner's keys, a log or a record should stand."""

from collections.abc import Awaitable

import pytest

from streamlog.conversations import Conversations
from streamlog.errors import InternalError
from streamlog.jobs import Quota, Sameness
from streamlog.owned import OwnedJobs
from streamlog.settings import JobSettings
from tests.streamlog.laws.book import law
from tests.streamlog.laws.hostile import STRANGE_IDS, become, sweep_all, unharmed
from tests.streamlog.world import DETACHED, EVENT, KEEP_S, REQUEST, World


@law
async def submit_mends_what_stands_in_an_owners_way(world: World) -> None:
    """Whatever became of the keys of an owner, of a call and of its Idempotency-Key, the next call is taken,
    or, where a budget is of no number, the one after it."""
    same, quota = Sameness("fingerprint", "digest"), Quota(1000, 100_000, 1)
    before = await world.submit(sameness=same, quota=quota)
    keys = world.keys
    for key in (keys.owned("owner"), keys.live("owner"), keys.budget("owner"), keys.twins("fingerprint")):
        await become(world, key, "string")
    await become(world, keys.idempotent("digest"), "list")
    placed = await unharmed(world.place(sameness=same, quota=quota))
    assert (placed.job_id != before, placed.joined) == (True, False)
    await world.call("HSET", keys.budget("owner"), "tokens", "nan")
    await world.call("HSET", keys.budget("owner"), "requests", "1e400")
    await become(world, keys.record(placed.job_id), "list")
    with pytest.raises(InternalError):  # a refusal lets go of the body, so this one cannot be asked again
        await world.place(sameness=Sameness("another"), quota=quota)
    third = await unharmed(world.place(sameness=Sameness("another"), quota=quota))
    assert third.job_id not in (before, placed.job_id)
    assert await sweep_all(world) == {placed.job_id: "failed stream_lost"}


@law
async def what_stands_in_an_owners_way_leaves_no_half_of_a_job(world: World) -> None:
    """Of an owner without limits, whose keys are written to only when nothing is refused any more."""
    keys = world.keys
    for key in (keys.owned("owner"), keys.twins("fingerprint")):
        await become(world, key, "string")
        placed = await unharmed(world.place(sameness=Sameness("fingerprint")))
        assert (await world.claim()).job_id == placed.job_id
    conversations = Conversations(world.line, keys, JobSettings())
    conversation = await conversations.begin("owner", "", "hr", 60.0)
    await become(world, keys.conversations("owner"), "string")
    said = await unharmed(conversations.say(conversation, "Why?", "", REQUEST, DETACHED))
    assert await world.call("PTTL", keys.record(said.job_id)) > 0
    assert (await world.claim()).job_id == said.job_id


@law
async def a_list_shows_what_is_ours(world: World) -> None:
    """Of an owner's jobs the spoiled are left out, and strange ids are forgotten."""
    *spoiled, good = [await world.submit() for _ in range(4)]
    await become(world, world.keys.record(spoiled[0]), "list")
    await world.call("HSET", world.keys.record(spoiled[1]), "headers", "[]")
    await world.call("HSET", world.keys.record(spoiled[2]), "last", b"\xff")
    for strange in STRANGE_IDS:
        await world.call("ZADD", world.keys.owned("owner"), "inf", strange)
    listed = await unharmed(OwnedJobs(world.line).listed("owner", 10))
    assert [job_id for job_id, _ in listed.jobs] == [good]
    await become(world, world.keys.owned("owner"), "string")
    assert (await unharmed(OwnedJobs(world.line).listed("owner", 10))).jobs == []


@law
async def an_ending_is_whole_though_its_ways_are_spoiled(world: World) -> None:
    """The last chunk of a writer ends its job, though all that finds the job, and its owner's budget, are spoiled."""
    claim, writer = await world.running(sameness=Sameness("fingerprint", "digest"), quota=Quota(9, 100_000, 9))
    keys = world.keys
    for key in (keys.live("owner"), keys.budget("owner"), keys.twins("fingerprint"), keys.idempotent("digest")):
        await become(world, key, "string")
    await unharmed(writer.write([EVENT], mark="done"))
    assert await world.state(claim.job_id) == "done"
    assert await world.call("ZCARD", keys.leases) == 0
    assert 0 < await world.call("PTTL", keys.record(claim.job_id)) <= KEEP_S * 1000


@law
async def a_reader_is_told_what_is_not_ours(world: World) -> None:
    """Record and log of a wrong kind, or garbled, are one error by name."""
    job_id = await world.submit()
    for kind in ("list", "string"):
        await become(world, world.keys.log(job_id), kind)
        await _lost(world.log.read(job_id))
    await world.call("DEL", world.keys.log(job_id))
    await world.call("XADD", world.keys.log(job_id), "1-1", "c", b"\xff")
    await _lost(world.log.read(job_id))
    await world.call("XADD", world.keys.log(job_id), "2-1", "c", "1 1 1 - 1 0\n", "more", "")
    await _lost(world.log.read(job_id))
    await world.call("HSET", world.keys.record(job_id), "response", b"\x80\x04")
    await _lost(world.log.record(job_id))
    await become(world, world.keys.record(job_id), "string")
    await _lost(world.log.record(job_id))
    await _lost(OwnedJobs(world.line).remove("owner", job_id))


async def _lost(answer: Awaitable[object]) -> None:
    with pytest.raises(InternalError) as lost:
        await answer
    assert lost.value.code == "stream_lost"
