"""More than all workers may read: streams take turns, on each worker as many as it has streams, and lose nothing."""

import asyncio
from collections.abc import Iterator
from time import monotonic

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streamlog.keys import Keys
from tests.support.api import Api, body
from tests.support.cluster import Cluster, Ground, started

STREAMS, EVENTS, PER_S, READS_PER_S = 20, 200, 80, 200
_AT_OTHER_TIMES = 4  # chunks of a stream that do not wait: its first, its end, and what comes while it is written to
_AT_ONCE = 100  # each worker may read so often before the limit counts
_SWEEP_S = 0.5  # until its first sweep with jobs a worker does not know that others run some, too


@pytest.fixture
def cluster(ground: Ground) -> Iterator[Cluster]:
    with started(ground, workers=2, SLUICE_READS_PER_S=READS_PER_S) as cluster:
        yield cluster


def _rests(url: str) -> float:
    text = httpx2.get(f"{url}/metrics", trust_env=False).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return families["sluice_stream_rests"].samples[0].value


async def test_streams_take_turns_and_are_whole(cluster: Cluster) -> None:
    """1,600 events a second with 200 reads: what comes meanwhile is one chunk, in order, and the metrics say so."""
    begun = monotonic()
    async with Api(cluster.url) as api:
        answers = await asyncio.gather(*(api.answer(body(f"text events={EVENTS} tps={PER_S}")) for _ in range(STREAMS)))
    took_s = monotonic() - begun
    for answer in answers:
        numbers = [event.number for event in answer.events if event.id]
        assert numbers == list(range(1, len(numbers) + 1))
        assert answer.events[-1].name == "message_stop"
    keys = Keys(cluster.prefix)
    with cluster.ground.client() as server:
        chunks = [int(str(server.xlen(keys.log(answer.job_id)))) for answer in answers]
    assert sum(chunks) <= READS_PER_S * (took_s + _SWEEP_S) + 2 * _AT_ONCE + STREAMS * _AT_OTHER_TIMES
    assert sum(map(_rests, (worker.url for worker in cluster.workers))) > STREAMS
