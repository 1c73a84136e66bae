"""Exactly once, in order: whoever comes back with a position gets every later frame once, byte for byte.

Whatever failed in between: the client's connection at any event, the gateway's pub/sub link, or pub/sub as a whole.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from tests.end_to_end.readers import Reader
from tests.support.api import Api, body
from tests.support.cluster import Cluster, Ground
from tests.support.sse import joined

DELTAS = 40
FRAMES = DELTAS + 6  # message_start, block start, ping, …, block stop, message_delta, message_stop
SEED = 20_261
READERS = 20
CUTS_EACH = 50
_STAMP = re.compile(r"@(\d+) ")


async def _cut_after(api: Api, number: int) -> tuple[Reader, float]:
    """Ask for an answer, cut it after so many frames, come back for the rest. Answers the time of the cut, too."""
    async with api.stream(body(f"text events={DELTAS} tps=30")) as stream:
        reader = Reader(api, stream.job_id)
        for _ in range(number):
            reader.take(await anext(stream))
    cut_at = monotonic()
    if number < FRAMES:
        await reader.read_to_the_end()
    return reader, cut_at


async def test_cut_after_every_event_while_it_runs(api: Api) -> None:
    """An answer that is cut after any of its events and followed from there is byte for byte the uncut one."""
    told = await asyncio.gather(*(_cut_after(api, number) for number in range(1, FRAMES + 1)))
    for number, (reader, cut_at) in enumerate(told, 1):
        assert reader.bytes == joined((await api.followed(reader.job_id)).events)
        assert len(reader.frames) == FRAMES
        assert number >= DELTAS or cut_at < reader.arrived[-1], "this cut was meant to fall into a running answer"


@pytest.mark.parametrize("tps", [200, 0], ids=["many chunks", "one chunk"])
async def test_cut_after_every_event_when_it_has_ended(api: Api, tps: int) -> None:
    """The log of an ended answer gives from any position byte for byte what an uncut stream gave."""
    uncut = (await api.answer(body(f"text events={DELTAS} tps={tps}"))).events
    job_id = uncut[0].id.partition(":")[0]
    rests = await asyncio.gather(*(api.followed(job_id, event.id) for event in uncut))
    for number, rest in enumerate(rests, 1):
        assert joined(rest.events) == joined(uncut[number:])
    assert joined((await api.followed(job_id)).events) == joined(uncut)
    assert [rest.response.status_code for rest in rests] == [200] * (FRAMES - 1) + [204]


async def _kill_pubsub_links(ground: Ground, every_s: float, kills: list[int]) -> None:
    """As long as nobody stops it; counts what it has killed."""
    with ground.client() as server:
        while True:
            await asyncio.sleep(every_s)
            kills.append(server.client_kill_filter(_type="pubsub"))


@pytest.fixture(params=["live", "pub/sub killed", "pub/sub off"])
async def disturbed(request: pytest.FixtureRequest, shared: Cluster, deaf: str) -> AsyncIterator[Api]:
    """A client of a gateway whose live relay is sound, is killed every 500 ms, or is switched off."""
    kills: list[int] = []
    killer = asyncio.create_task(_kill_pubsub_links(shared.ground, 0.5, kills))
    if request.param != "pub/sub killed":
        killer.cancel()
    async with Api(deaf if request.param == "pub/sub off" else shared.url) as api:
        yield api
    if request.param == "pub/sub killed":
        assert not killer.done() and sum(kills) >= 8, f"pub/sub links were not killed: {kills}"
        killer.cancel()


@pytest.fixture(scope="module")
def deaf(shared: Cluster) -> str:
    """The address of a gateway that uses no pub/sub."""
    return shared.add_gateway(SLUICE_PUBSUB=0).url


async def test_a_thousand_random_cuts(disturbed: Api, direct: Api) -> None:
    """1,000 cuts at random lose nothing and double nothing, and nothing hangs."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    job_ids = [await disturbed.submit(body(f"text events={8 * CUTS_EACH} tps=80 stamp=1")) for _ in range(4)]
    uncut = [Reader(disturbed, job_id) for job_id in job_ids]
    cut = [Reader(disturbed, job_ids[number % 4]) for number in range(READERS)]
    plans = [[chance.randint(0, 9) for _ in range(CUTS_EACH)] for _ in cut]
    await asyncio.gather(*(reader.read_to_the_end() for reader in uncut), *map(_cut_often, cut, plans))

    lost = doubled = 0
    for number, reader in enumerate(cut):
        ids, whole = [frame.id for frame in reader.frames], [frame.id for frame in uncut[number % 4].frames]
        lost += len(set(whole) - set(ids))
        doubled += len(ids) - len(set(ids))
        assert reader.bytes == uncut[number % 4].bytes
    delays = sorted(delay for reader in uncut for delay in _delays_s(reader))
    print(f"{sum(reader.cuts for reader in cut)} cuts, {lost} lost, {doubled} doubled")
    print(f"delay of a frame: p50 {delays[len(delays) // 2] * 1000:.1f} ms, most {delays[-1] * 1000:.1f} ms")
    assert (lost, doubled) == (0, 0)
    assert sum(reader.cuts for reader in cut) == READERS * CUTS_EACH
    assert delays[-1] < 10.0  # a hang; how fast it is says `make bench`
    said = Reader(direct, "")
    said.frames = (await direct.answer(body(f"text events={8 * CUTS_EACH}"))).events
    assert _text(uncut[0]) == _text(said)


async def _cut_often(reader: Reader, plan: list[int]) -> None:
    for most in plan:
        await reader.read(most)
    await reader.read_to_the_end()


def _delays_s(reader: Reader) -> list[float]:
    """From the simulator's writing of a delta to its arrival; both clocks are this machine's monotonic one."""
    stamps = [_STAMP.search(frame.data.decode()) for frame in reader.frames]
    return [at - int(stamp[1]) / 1e9 for at, stamp in zip(reader.arrived, stamps, strict=True) if stamp]


def _text(reader: Reader) -> str:
    deltas = [frame.json["delta"]["text"] for frame in reader.frames if frame.name == "content_block_delta"]
    return "".join(_STAMP.sub("", delta) for delta in deltas)


async def test_a_lost_chunk_is_found_before_the_next_comes(shared: Cluster, api: Api) -> None:
    """A chunk that is published while the link is down arrives as soon as the link is back, also before a silence."""
    kills: list[int] = []
    killer = asyncio.create_task(_kill_pubsub_links(shared.ground, 0.01, kills))
    job_ids = [await api.submit(body("text events=8 tps=2 stamp=1")) for _ in range(5)]
    readers = [Reader(api, job_id) for job_id in job_ids]
    await asyncio.gather(*(reader.read_to_the_end() for reader in readers))
    assert not killer.done()
    killer.cancel()
    most_s = max(delay for reader in readers for delay in _delays_s(reader))
    print(f"{sum(kills)} links killed, delay of a frame: most {most_s * 1000:.1f} ms")
    assert sum(kills) > 50
    assert most_s < 0.45  # the next chunk comes after 0.5 s


async def test_a_position_of_another_job_is_refused_at_once(api: Api) -> None:
    """A position of another answer is never answered with this one: the stream says that it is lost."""
    mine, other = await asyncio.gather(*(api.answer(body("text events=5")) for _ in range(2)))
    stream = await api.followed(mine.job_id, other.events[2].id)
    assert [event.error_code for event in stream.events] == ["stream_lost"]
