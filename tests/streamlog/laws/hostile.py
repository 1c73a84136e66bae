"""The laws of what somebody else wrote: it ends its own job, by name, and hinders no other."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from redis.exceptions import ResponseError

from streamlog.jobs import Sameness
from tests.streamlog.laws.book import law, law_of_real_servers
from tests.streamlog.world import EVENT, GRACE_S, WATCH_S, World

T = TypeVar("T")
Spoil = Callable[[World, str], Awaitable[object]]

STRANGE_IDS = (
    b"",
    b"\xff\xfe\x00",
    b"job_",
    b"job_" + b"x" * 21 + b"\n",
    b"job_" + b"x" * 10_000,
    b"../../etc/passwd",
)


async def become(world: World, key: str, kind: str) -> None:
    """Whatever stood there, now it is a key of another kind."""
    await world.call("DEL", key)
    if kind == "string":
        await world.call("SET", key, b"\x80\x04\x95\xff")
    elif kind == "list":
        await world.call("RPUSH", key, b"\x80\x04\x95\xff")
    else:
        await world.call("HSET", key, b"\xff", b"\x80\x04\x95\xff")


def _key(of: Callable[[World], Callable[[str], str]], kind: str) -> Spoil:
    return lambda world, job_id: become(world, of(world)(job_id), kind)


def _field(name: str, value: str | bytes) -> Spoil:
    return lambda world, job_id: world.call("HSET", world.keys.record(job_id), name, value)


async def _way_and_body(world: World, job_id: str) -> None:
    """The job cannot be claimed, and what its Idempotency-Key led to is spoiled as well."""
    await world.call("HSET", world.keys.record(job_id), "idempotency", "digest")
    await become(world, world.keys.idempotent("digest"), "list")
    await become(world, world.keys.body(job_id), "list")


SPOILED_IN_THE_QUEUE: dict[str, Spoil] = {
    "record is a string": _key(lambda world: world.keys.record, "string"),
    "record is a list": _key(lambda world: world.keys.record, "list"),
    "way and body are lists": _way_and_body,
    "body is a list": _key(lambda world: world.keys.body, "list"),
    "arq's job is a hash": _key(lambda world: world.keys.arq_job, "hash"),
    "arq's job is huge": lambda world, job_id: world.call("SET", world.keys.arq_job(job_id), b"{" * 2_000_000),
    "attempt is no number": _field("attempt", "nan"),
    "attempt has no end": _field("attempt", "9" * 40),
    "claims are no number": _field("claims", "\xff"),
    "bytes are no number": _field("body_bytes", "1e308"),
    "time is no number": _field("created_us", "-inf"),
    "hold is no number": _field("hold_until_ms", "0x7fffffffffffffff"),
    "a field is huge": _field("headers", b"[" * 2_000_000),
}
SPOILED_WHILE_IT_RUNS: dict[str, Spoil] = {
    "record is a string": SPOILED_IN_THE_QUEUE["record is a string"],
    "record is a list": SPOILED_IN_THE_QUEUE["record is a list"],
    "watch is a string": _key(lambda world: world.keys.watch, "string"),
}
SPOILED_WITH_CONTENT: dict[str, Spoil] = {
    "record is a string": SPOILED_IN_THE_QUEUE["record is a string"],
    "log is a list": _key(lambda world: world.keys.log, "list"),
    "log is ahead": lambda world, job_id: world.call("XADD", world.keys.log(job_id), "9999999999999999-1", "f", "\xff"),
    "attempt is no number": _field("attempt", "nan"),
    "last is no position": lambda world, job_id: world.call("HDEL", world.keys.record(job_id), "last"),
    "twins are a string": lambda world, _: become(world, world.keys.twins("fingerprint-6"), "string"),
}


async def unharmed(answer: Awaitable[T]) -> T:
    """What is answered; a script that fails has let one spoiled job hinder the others."""
    try:
        return await answer
    except ResponseError as error:
        raise AssertionError(str(error)) from error


async def sweep_all(world: World) -> dict[str, str]:
    """What a sweep ended, and how."""
    swept = await unharmed(world.claims().sweep())
    return {ended.job_id: f"{ended.state} {ended.code}" for ended in swept.ended}


async def _told(world: World, job_id: str) -> bool:
    """Whether the log ends with an error by name."""
    *_, last = (await world.log.read(job_id)).chunks
    return last.mark == "failed" and b"event: error\n" in last.data and b'_lost"' in last.data


@law
async def claim_passes_over_what_is_not_ours(world: World) -> None:
    """However the jobs in front of it are spoiled, a good one is claimed, and the sweep ends each of them by name."""
    spoiled = {await world.submit(): name for name in SPOILED_IN_THE_QUEUE}
    good = await world.submit()
    for job_id, name in spoiled.items():
        await SPOILED_IN_THE_QUEUE[name](world, job_id)
    claimed: list[str] = []
    while await world.call("ZCARD", world.keys.queue):
        claimed += [claim.job_id for claim in await unharmed(world.claims().claim(8))]
    assert claimed == [good]
    assert await sweep_all(world) == dict.fromkeys(spoiled, "failed stream_lost")
    assert [job_id for job_id in spoiled if not await _told(world, job_id)] == []
    owners = {name: await world.call("HGET", world.keys.record(job_id), "owner") for job_id, name in spoiled.items()}
    assert {name for name, owner in owners.items() if not owner} == {"record is a string", "record is a list"}
    assert await world.call("ZRANGE", world.keys.leases, 0, -1) == [good.encode()]
    assert await world.call("ZCARD", world.keys.checks) == 0


@law_of_real_servers("fakeredis knows no users")
async def what_the_server_forbids_is_no_fault_of_a_job(world: World) -> None:
    """A user who may not do all that a script does gets an error, and no job is ended for it."""
    job_id = await world.submit()
    await world.call("ACL", "SETUSER", "default", "-strlen")
    try:
        with pytest.raises(ResponseError):
            await world.claims().claim(1)
    finally:
        await world.call("ACL", "SETUSER", "default", "+@all")
    assert (await world.claim()).job_id == job_id


@law
async def claim_and_sweep_take_out_ids_that_are_none(world: World) -> None:
    """What could be the id of no job goes without an ending, wherever it stands."""
    await world.call("HSET", b"%s%s" % (world.keys.record("").encode(), STRANGE_IDS[1]), "state", "queued")
    good = await world.submit()
    for number, job_id in enumerate(STRANGE_IDS):
        for key in (world.keys.leases, world.keys.checks):
            await world.call("ZADD", key, number, job_id)
    swept = await unharmed(world.claims().sweep())
    assert (swept.ended, swept.requeued) == ([], [])
    for number, job_id in enumerate(STRANGE_IDS):
        await world.call("ZADD", world.keys.queue, number, job_id)
    assert [claim.job_id for claim in await unharmed(world.claims().claim(8))] == [good]
    for key in (world.keys.queue, world.keys.checks):
        assert await world.call("ZCARD", key) == 0
    assert await world.call("ZRANGE", world.keys.leases, 0, -1) == [good.encode()]


@law
async def renew_keeps_the_others_of_a_worker(world: World) -> None:
    """Of all that a worker runs only the spoiled are lost, and the sweep ends them by name."""
    *spoiled, good = [(await world.running(gateway="g1"))[0] for _ in (*SPOILED_WHILE_IT_RUNS, "good")]
    for claim, spoil in zip(spoiled, SPOILED_WHILE_IT_RUNS.values(), strict=True):
        await spoil(world, claim.job_id)
    pairs = [(claim.job_id, claim.attempt) for claim in (*spoiled, good)]
    lost, abandoned = await unharmed(world.claims().renew(pairs))
    assert (lost, abandoned) == ({claim.job_id for claim in spoiled}, [])
    assert await sweep_all(world) == dict.fromkeys(lost, "failed stream_lost")
    assert [job_id for job_id in lost if not await _told(world, job_id)] == []
    assert await world.state(good.job_id) == "running"


@law
async def sweep_ends_what_is_spoiled_by_name(world: World) -> None:
    """A job with content whose worker was lost, however its keys are spoiled, and beside it one that is not."""
    spoils: list[Spoil | None] = [None, *SPOILED_WITH_CONTENT.values()]
    jobs: list[str] = []
    for spoil in spoils:
        claim, writer = await world.running(sameness=Sameness(f"fingerprint-{len(jobs)}"))
        await writer.write([EVENT])
        await world.pass_time(claim.job_id, 60)
        jobs.append(claim.job_id)
        if spoil is not None:
            await spoil(world, claim.job_id)
    good, *spoiled = jobs
    ended = await sweep_all(world)
    assert ended.pop(good) == "failed worker_lost"
    told = dict(zip(SPOILED_WITH_CONTENT, map(ended.get, spoiled), strict=True))
    lost = {"log is ahead", "record is a string", "attempt is no number", "last is no position"}
    codes = {name: f"failed {'stream' if name in lost else 'worker'}_lost" for name in SPOILED_WITH_CONTENT}
    assert told == codes
    assert [job_id for job_id in jobs if not await _told(world, job_id)] == []
    assert await world.call("ZCARD", world.keys.leases) == 0


@law
async def sweep_ends_no_job_twice_that_is_over(world: World) -> None:
    """An ended job that somebody puts among the living again keeps its ending."""
    claim, writer = await world.running()
    await writer.write([EVENT], mark="done")
    await world.call("HSET", world.keys.record(claim.job_id), "body_bytes", "\xff")
    await world.call("ZADD", world.keys.queue, 1, claim.job_id)
    await world.call("ZADD", world.keys.checks, "-inf", claim.job_id)
    assert await sweep_all(world) == {}
    assert await world.state(claim.job_id) == "done"
    assert await world.call("ZCARD", world.keys.checks) == 0


@law
async def sweep_mends_what_all_jobs_share(world: World) -> None:
    """Whatever kind the keys of the fleet have become: after a sweep jobs are submitted, claimed and renewed again, and
    those that waited in the lost queue are not lost."""
    waiting = [await world.submit() for _ in range(3)]
    keys = world.keys
    for key in (keys.queue, keys.leases, keys.workers, keys.bell, keys.queued_bytes, keys.nudges("worker")):
        await become(world, key, "hash")
        await become(world, f"{key}:light", "hash")
    await unharmed(world.claims().sweep())
    waiting.append(await world.submit())
    await world.call("SET", keys.queued_bytes, "-7.5")
    await unharmed(world.claims().sweep())
    await become(world, keys.checks, "string")
    await unharmed(world.claims().sweep())
    claims = await unharmed(world.claims().claim(8))
    assert [claim.job_id for claim in claims] == waiting
    assert await unharmed(world.claims().renew([(claim.job_id, claim.attempt) for claim in claims])) == (set(), [])
    assert (await world.log.fleet()).workers == 1
    await world.call("RPOP", keys.nudges("worker"))


@law
async def sweep_loses_no_job_whose_lease_is_lost(world: World) -> None:
    """Whoever finds that out first, a sweep or a worker: what still runs has time to be renewed, and a job whose worker
    is gone as well falls to the sweep."""
    lost = [(await world.running())[0].job_id for _ in range(2)]
    await become(world, world.keys.leases, "hash")
    assert await sweep_all(world) == {}
    await become(world, world.keys.leases, "hash")
    await unharmed(world.claims().renew([], []))
    assert await sweep_all(world) == {}
    for job_id in lost:
        assert 0 < float(await world.call("ZSCORE", world.keys.leases, job_id)) - await world.now_ms() <= 5_000
        await world.pass_time(job_id, 6)
    swept = await world.claims().sweep()
    assert sorted(swept.requeued) == sorted(lost)


@law_of_real_servers("fakeredis knows no users")
async def sweep_mends_leases_without_a_look_at_all_keys(world: World) -> None:
    """For a user who may not list keys."""
    await world.running()
    await become(world, world.keys.leases, "hash")
    await world.call("ACL", "SETUSER", "default", "-scan")
    try:
        assert await sweep_all(world) == {}
    finally:
        await world.call("ACL", "SETUSER", "default", "+@all")
    assert await world.call("ZCARD", world.keys.leases) == 0


@law
async def sweep_looks_at_jobs_whose_checks_are_lost(world: World) -> None:
    """Their deadlines hold all the same."""
    job_id = await world.submit()
    await world.pass_time(job_id, 600)
    await become(world, world.keys.checks, "list")
    assert await sweep_all(world) == {job_id: "failed queue_timeout"}


@law
async def watch_goes_on_past_what_is_not_ours(world: World) -> None:
    """One spoiled job does not make a gateway lose its word for all others."""
    by_record, by_watch, good = [await world.submit(gateway="g1", queue_wait_s=600) for _ in range(3)]
    await become(world, world.keys.record(by_record), "string")
    await become(world, world.keys.watch(by_watch), "list")
    await world.pass_time(good, WATCH_S + GRACE_S + 1)
    await unharmed(world.line.script("watch", "g1", int(WATCH_S * 1000), by_record, by_watch, good))
    assert good not in await sweep_all(world)


@law
async def no_bytes_wait_in_an_empty_queue(world: World) -> None:
    """When the queue is empty, no bytes wait, whatever was taken out of it."""
    await world.call("ZADD", world.keys.queue, 1, b"\xff")
    job_id = await world.submit()
    await SPOILED_IN_THE_QUEUE["record is a list"](world, job_id)
    assert await unharmed(world.claims().claim(8)) == []
    await unharmed(world.claims().sweep())
    assert await world.call("GET", world.keys.queued_bytes) is None
