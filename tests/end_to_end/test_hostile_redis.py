"""A Redis in which somebody else writes: garbage of every kind beside healthy streams, on a running cluster.

The healthy ones complete, each spoiled one ends with an error by name, nothing of it is ever run, no process ends, and
every slot is free afterwards. What each script does is in `tests/streamlog/laws/hostile.py`.
"""

import asyncio
import pickle
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from streamlog.keys import Keys
from streamlog.positions import JOB_ID
from tests.support.api import Api, body, is_content
from tests.support.cluster import Cluster, Ground, started
from tests.support.facts import fact, until
from tests.support.process import Process

LEASE_S = 1.0
HEALTHY = 12
NAMED = {"stream_lost", "worker_lost", "request_lost"}


class _Bomb:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self._path), "w")


class Hand:
    """Whoever else writes into the cluster's Redis."""

    def __init__(self, cluster: Cluster, bomb: bytes) -> None:
        self.keys = Keys(cluster.prefix)
        self.redis: Any = cluster.ground.client()  # redis-py's annotations mix both of its clients
        self.bomb = bomb

    def become(self, key: str, kind: str) -> None:
        """Whatever stood there, now it is a key of that kind, full of pickle."""
        with self.redis.pipeline() as pipe:
            pipe.delete(key)
            match kind:
                case "string":
                    pipe.set(key, self.bomb)
                case "list":
                    pipe.rpush(key, self.bomb)
                case "hash":
                    pipe.hset(key, mapping={b"\xff": self.bomb})
                case "zset":
                    pipe.zadd(key, {self.bomb: 1})
            pipe.execute()

    def lose_log(self, job_id: str) -> None:
        """The log is gone, and its readers look for it. Of a stream that is still: who had all before another chunk and
        goes on with that one has missed nothing."""
        with self.redis.pipeline() as pipe:
            pipe.delete(self.keys.log(job_id))
            pipe.publish(self.keys.channel(job_id), b"")
            pipe.execute()

    def write(self, job_id: str, name: str, value: str | bytes) -> None:
        self.redis.hset(self.keys.record(job_id), name, value)

    def enqueue(self, job_id: bytes) -> None:
        self.redis.zadd(self.keys.queue, {job_id: 1})
        self.redis.lpush(self.keys.bell, b"1")


Spoil = Callable[[Hand, str], object]
STILL = {"log gone"}  # where another chunk would be taken for what follows
RUNNING: Mapping[str, Spoil] = {
    "record string": lambda hand, job: hand.become(hand.keys.record(job), "string"),
    "record list": lambda hand, job: hand.become(hand.keys.record(job), "list"),
    "log list": lambda hand, job: hand.become(hand.keys.log(job), "list"),
    "log string": lambda hand, job: hand.become(hand.keys.log(job), "string"),
    "watch list": lambda hand, job: hand.become(hand.keys.watch(job), "list"),
    "last pickled": lambda hand, job: hand.write(job, "last", hand.bomb),
    "attempt no number": lambda hand, job: hand.write(job, "attempt", "nan"),
    "state unknown": lambda hand, job: hand.write(job, "state", b"\xff"),
    "record gone": lambda hand, job: hand.redis.delete(hand.keys.record(job)),
    "log gone": lambda hand, job: hand.lose_log(job),
    "log ahead": lambda hand, job: hand.redis.xadd(hand.keys.log(job), {"f": hand.bomb}, id="9999999999999999-1"),
}
QUEUED: Mapping[str, Spoil] = {
    "arq's job pickled": lambda hand, job: hand.redis.set(hand.keys.arq_job(job), hand.bomb),
    "arq's job of another": lambda hand, job: hand.redis.set(
        hand.keys.arq_job(job), b'{"t":null,"f":"generate","a":["job_another"],"k":{},"et":0}'
    ),
    "arq's job truncated": lambda hand, job: hand.redis.set(hand.keys.arq_job(job), b'{"t":null,"f":"gen'),
    "arq's job with a time that is none": lambda hand, job: hand.redis.set(
        hand.keys.arq_job(job), b'{"t":null,"f":"generate","a":["%s"],"k":{},"et":"now"}' % job.encode()
    ),
    "arq's job a hash": lambda hand, job: hand.become(hand.keys.arq_job(job), "hash"),
    "body a list": lambda hand, job: hand.become(hand.keys.body(job), "list"),
    "body gone": lambda hand, job: hand.redis.delete(hand.keys.body(job)),
    "headers pickled": lambda hand, job: hand.write(job, "headers", hand.bomb),
    "headers deep": lambda hand, job: hand.write(job, "headers", b"[" * 500_000),
    "headers huge": lambda hand, job: hand.write(job, "headers", b'{"anthropic-x":"' + b"x" * 2_000_000),
    "headers with our key": lambda hand, job: hand.write(job, "headers", b'{"x-api-key":"mine"}'),
    "path elsewhere": lambda hand, job: hand.write(job, "path", "http://127.0.0.1:9/v1/messages"),
    "method strange": lambda hand, job: hand.write(job, "method", "DELETE"),
    "model no text": lambda hand, job: hand.write(job, "model", b"\xff\xfe"),
    "created no number": lambda hand, job: hand.write(job, "created_us", "-inf"),
    "record a list": lambda hand, job: hand.become(hand.keys.record(job), "list"),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "unpickled"


@pytest.fixture
def cluster(ground: Ground) -> Iterator[Cluster]:
    with started(ground, workers=2, SLUICE_LEASE_S=LEASE_S, SLUICE_SLOTS=50, SLUICE_REDIS_TIMEOUT_S=3) as cluster:
        yield cluster


async def test_whoever_writes_into_redis_ends_his_jobs_and_no_other(cluster: Cluster, place: Path) -> None:
    """Keys of wrong types, garbage, pickles and strange ids, for half of all jobs and for what all jobs share."""
    hand = Hand(cluster, pickle.dumps(_Bomb(place)))
    async with Api(cluster.url) as api:
        healthy = [asyncio.create_task(_complete(api)) for _ in range(HEALTHY)]
        hurt = [asyncio.create_task(_spoiled_while_it_runs(api, hand, name)) for name in RUNNING]
        queued = await _spoiled_in_the_queue(api, hand)
        endings = dict(zip(RUNNING, await asyncio.gather(*hurt), strict=True))
        assert {name: code for name, code in endings.items() if code not in NAMED} == {}
        await _spoil_what_all_share(hand)
        assert [await task for task in healthy] == [200] * HEALTHY
        for name, job_id in queued.items():
            await _ended(api, name, job_id)
        assert await _complete(api) == 200
        await _all_is_free(cluster)
    assert not list(place.parent.iterdir())
    assert {process.name for process in (*cluster.gateways, *cluster.workers)} <= {one.name for one in Process.living}
    for process in (*cluster.gateways, *cluster.workers):
        assert "Traceback" not in process.log, process.log[-4000:]


async def _complete(api: Api) -> int:
    """A stream of two seconds from its first to its last event; answers its status."""
    stream = await api.answer(body("text events=40 tps=20"))
    numbers = [event.number for event in stream.events if event.id]
    assert stream.events[-1].name == "message_stop", stream.events[-1]
    assert numbers == list(range(1, len(numbers) + 1))
    return stream.response.status_code


async def _spoiled_while_it_runs(api: Api, hand: Hand, name: str) -> str:
    """The code of the error with which a stream ends that is spoiled behind its first content."""
    async with api.stream(body("stall" if name in STILL else "text events=2000 tps=20")) as stream:
        await stream.until(is_content)
        RUNNING[name](hand, stream.job_id)
        for message in (b"", hand.bomb, b"1 2 3", b"9999999999999999 1 1 - 1 -5\n", b"\xff" * 300_000):
            hand.redis.publish(hand.keys.channel(stream.job_id), message)
        try:
            events = await stream.rest()
        except TimeoutError:
            raise AssertionError(f"{name}: {stream.job_id} goes on, behind {len(stream.events)} events") from None
    assert events[-1].name == "error", events[-1]
    return events[-1].error_code


async def _spoiled_in_the_queue(api: Api, hand: Hand) -> dict[str, str]:
    """Jobs that nobody could claim in time: planted as a submit leaves them, then spoiled, then let into the queue."""
    pattern = await api.submit(body("text events=1 tps=0"))
    await api.ended(pattern)
    record = hand.redis.hgetall(hand.keys.record(pattern))
    planted = {}
    for number, (name, spoil) in enumerate(QUEUED.items()):
        job_id = f"job_{number:022}"
        assert JOB_ID.fullmatch(job_id)
        now = hand.redis.time()
        fresh = {"state": "queued", "attempt": 1, "last": "1-0", "claims": 0, "created_us": now[0] * 10**6 + number}
        fields = {**record, **{field.encode(): str(value).encode() for field, value in fresh.items()}}
        hand.redis.hset(hand.keys.record(job_id), mapping=fields)
        hand.redis.set(hand.keys.body(job_id), b"{}")
        hand.redis.set(
            hand.keys.arq_job(job_id), f'{{"t":null,"f":"generate","a":["{job_id}"],"k":{{}},"et":0}}'.encode()
        )
        spoil(hand, job_id)
        hand.enqueue(job_id.encode())
        planted[name] = job_id
    for strange in (b"", b"\xff\xfe", b"../../etc/passwd", hand.bomb, b"job_" + b"x" * 100_000):
        hand.enqueue(strange)
        hand.redis.zadd(hand.keys.leases, {strange: 1})
        hand.redis.zadd(hand.keys.checks, {strange: 1})
    hand.redis.set("arq:result:" + planted["body gone"], hand.bomb)
    return planted


async def _ended(api: Api, name: str, job_id: str) -> None:
    """The job has ended, or its record could not even keep whose it was."""

    async def over() -> bool | None:
        answer = await api.send("GET", f"/v1/jobs/{job_id}")
        if answer.status_code == 200:
            return (answer.json()["state"] == "failed" and answer.json()["error"]["code"] in NAMED) or None
        lost = answer.status_code == 500 and answer.json()["error"]["details"]["error_code"] == "stream_lost"
        return answer.status_code == 404 or lost or None

    over.__qualname__ = f"the end of the job with: {name}"
    await fact(over, 15.0)


async def _spoil_what_all_share(hand: Hand) -> None:
    """Every key of the fleet becomes one of another kind; the next sweeps put that right."""
    keys = hand.keys
    shared = (keys.queue, keys.leases, keys.checks, keys.bell, keys.workers, keys.queued_bytes)
    for key in (*shared, f"{keys.queue}:light", f"{keys.bell}:light"):
        hand.become(key, "hash")
    kinds = {keys.queue: b"zset", keys.leases: b"zset", keys.checks: b"zset", keys.workers: b"zset"}

    def mended() -> bool:
        return all(hand.redis.type(key) in (kind, b"none") for key, kind in kinds.items())

    await until(mended, 5.0)


async def _all_is_free(cluster: Cluster) -> None:
    """No worker runs anything, and all of them would take more."""

    async def free() -> bool | None:
        states = []
        for worker in cluster.workers:
            async with Api(worker.url) as observed:
                states.append((await observed.send("GET", "/readyz")).json())
        return all(state["ready"] and state["running"] == 0 for state in states) or None

    await fact(free, 10.0)


def test_the_bomb_would_go_off(place: Path) -> None:
    """What was planted is a pickle that makes a file, so that the file's absence says something."""
    pickle.loads(pickle.dumps(_Bomb(place))).close()
    assert place.exists()
