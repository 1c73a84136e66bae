"""The laws of joining: a call that repeats another is led to its job, and nothing is queued twice."""

import asyncio

import pytest

from streamlog.errors import ClientError
from streamlog.jobs import Sameness
from streamlog.log import StreamLog
from streamlog.settings import JobSettings
from tests.streamlog.laws.book import law
from tests.streamlog.lines import Stuttering
from tests.streamlog.world import EVENT, KEEP_S, REQUEST, WATCH_S, World

FIRST = Sameness("print")
AGAIN = Sameness("print", retried=True)
KEYED = Sameness("print", "key")


async def _keys(world: World, prefix: str) -> set[str]:
    return {key.decode().removeprefix(prefix) for key in await world.call("KEYS", f"{prefix}*")}


async def _left(world: World, job_id: str) -> None:
    await world.line.script("leave", "g1", job_id)


@law
async def a_retry_joins_the_job_that_nobody_watches(world: World) -> None:
    """It is queued once; the joined job is told as one, with the time of its own submit."""
    first = await world.place(gateway="g1", sameness=FIRST)
    await _left(world, first.job_id)
    again = await world.place(gateway="g1", sameness=AGAIN)
    assert (first.joined, again.joined) == (False, True)
    assert (again.job_id, again.created_us) == (first.job_id, first.created_us)
    assert await world.call("ZCARD", world.keys.queue) == 1
    assert await _keys(world, world.keys.body("")) == {first.job_id}


@law
async def a_retry_joins_a_running_job_too(world: World) -> None:
    """Queued or running, with content or without."""
    claim, writer = await world.running(sameness=FIRST)
    assert (await world.place(sameness=AGAIN)).job_id == claim.job_id
    await writer.write([EVENT])
    assert (await world.place(sameness=AGAIN)).job_id == claim.job_id


@law
async def whoever_joins_is_listening(world: World) -> None:
    """The joined job counts as watched from then on, by a word that runs out."""
    first = await world.submit(gateway="g1", sameness=FIRST)
    await _left(world, first)
    await world.place(gateway="g2", sameness=AGAIN)
    until_ms = int(await world.call("HGET", world.keys.watch(first), "g2"))
    assert abs(until_ms - await world.now_ms() - WATCH_S * 1000) < 2000
    assert await world.call("PTTL", world.keys.watch(first)) > 0


@law
async def a_retry_leaves_a_watched_job_to_its_listener(world: World) -> None:
    """Two clients may ask the same at the same time: each has an answer of its own."""
    first = await world.submit(gateway="g1", sameness=FIRST)
    assert await world.submit(gateway="g1", sameness=AGAIN) != first


@law
async def only_a_retry_joins_by_its_fingerprint(world: World) -> None:
    """The same question asked again is another question."""
    assert await world.submit(sameness=FIRST) != await world.submit(sameness=FIRST)


@law
async def a_retry_joins_the_newest(world: World) -> None:
    """Of several that nobody watches."""
    await world.submit(sameness=FIRST)
    newest = await world.submit(sameness=FIRST)
    assert await world.submit(sameness=AGAIN) == newest


@law
async def a_retry_of_an_ended_job_is_a_new_job(world: World) -> None:
    """Its answer may be an error, and the client asks because it has none; the same if the job has vanished."""
    claim, writer = await world.running(sameness=FIRST)
    await writer.write([EVENT], mark="done")
    second = await world.submit(sameness=AGAIN)
    assert second != claim.job_id
    await world.call("DEL", world.keys.record(second))
    assert await world.submit(sameness=AGAIN) != second


@law
async def another_fingerprint_is_another_call(world: World) -> None:
    """Another owner, another body: nothing is shared."""
    first = await world.submit(sameness=FIRST)
    assert await world.submit(sameness=Sameness("other", retried=True)) != first


@law
async def a_join_is_the_same_when_sent_again(world: World) -> None:
    """A lost reply does not make a job of what had joined, though its own gateway watches by now."""
    first = await world.submit(gateway="g1", sameness=FIRST)
    await _left(world, first)
    log = StreamLog(Stuttering(world.line), world.keys, JobSettings())
    assert await world.submit(log=log, gateway="g1", sameness=AGAIN) == first
    assert await world.call("ZCARD", world.keys.queue) == 1


@law
async def a_key_joins_a_job_that_is_watched(world: World) -> None:
    """An Idempotency-Key is the client's own word that it means one thing."""
    first = await world.submit(gateway="g1", sameness=KEYED)
    joined = await world.place(gateway="g1", sameness=KEYED)
    assert (joined.job_id, joined.joined) == (first, True)


@law
async def a_key_joins_an_ended_job_while_its_log_lives(world: World) -> None:
    """It lives no longer than the log that it leads to."""
    claim, writer = await world.running(sameness=KEYED)
    await writer.write([EVENT], mark="done")
    assert await world.submit(sameness=KEYED) == claim.job_id
    key_ms = await world.call("PTTL", world.keys.idempotent("key"))
    assert 0 < key_ms <= KEEP_S * 1000
    await world.call("DEL", world.keys.record(claim.job_id))
    assert await world.submit(sameness=KEYED) != claim.job_id


@law
async def a_key_joins_an_answer_that_broke_off(world: World) -> None:
    """What was delivered has been paid for: it is not asked for again."""
    claim, writer = await world.running(sameness=KEYED)
    await writer.write([EVENT])
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    assert await world.submit(sameness=KEYED) == claim.job_id


@law
async def a_failure_before_content_frees_the_key(world: World) -> None:
    """Nothing was answered, so the call may be made again."""
    claim, writer = await world.running(sameness=KEYED)
    await writer.write([EVENT], mark="failed")
    assert await world.submit(sameness=KEYED) != claim.job_id


@law
async def a_job_frees_its_own_key_only(world: World) -> None:
    """A key that another job has by now stays that job's."""
    first = await world.submit(sameness=KEYED)
    await world.call("HSET", world.keys.idempotent("key"), "id", "job_of_another")
    await world.log.end(first, None, "cancelled", "cancelled")
    assert await world.call("HGET", world.keys.idempotent("key"), "id") == b"job_of_another"


@law
async def a_key_stands_for_one_request(world: World) -> None:
    """Another request with it is refused, and nothing of it is kept."""
    first = await world.submit(sameness=KEYED)
    with pytest.raises(ClientError) as refusal:
        await world.submit(sameness=Sameness("other", "key"))
    assert refusal.value.code == "idempotency_conflict"
    assert await world.call("ZCARD", world.keys.queue) == 1
    assert await _keys(world, world.keys.body("")) == {first}


@law
async def a_key_is_claimed_once(world: World) -> None:
    """Of many at the same moment one is queued, and all others join it."""
    placed = await asyncio.gather(*(world.place(sameness=KEYED) for _ in range(20)))
    assert len({place.job_id for place in placed}) == 1
    assert sum(not place.joined for place in placed) == 1


@law
async def a_key_outlives_its_failed_job_for_nobody(world: World) -> None:
    """With a key a retry does not look for twins: the key is the client's word, and it is free."""
    other = await world.submit(sameness=FIRST)
    assert await world.submit(sameness=Sameness("print", "key", retried=True)) != other


@law
async def what_finds_a_job_is_bounded_and_has_an_end(world: World) -> None:
    """Twins are at most 64 and forgotten as they end; neither list nor key stays for ever."""
    for _ in range(70):
        await world.submit(sameness=FIRST)
    twins = world.keys.twins("print")
    assert await world.call("ZCARD", twins) == 64
    assert await world.call("PTTL", twins) > 0
    last = await world.submit(sameness=KEYED)
    assert await world.call("PTTL", world.keys.idempotent("key")) > 0
    await world.log.end(last, None, "cancelled", "cancelled")
    assert await world.call("ZSCORE", twins, last) is None


@law
async def a_full_queue_still_takes_who_joins(world: World) -> None:
    """Joining adds nothing to it."""
    log = StreamLog(world.line, world.keys, JobSettings(queue_jobs=1))
    first = await world.submit(REQUEST, log=log, sameness=FIRST)
    assert await world.submit(REQUEST, log=log, sameness=AGAIN) == first
