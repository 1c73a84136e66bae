"""worker/streaming.py: deltas behind the first content pass at once, in order; for all else somebody is woken."""

import asyncio
from collections.abc import Callable

import pytest

from streamlog.frames import id_line
from streamlog.positions import Position
from streamlog.writer import MOST_SENT, Refused, Writer
from tests.streamlog.world import World
from tests.support import said
from tests.support.facts import until
from tests.support.series import Moved
from worker import streaming
from worker.reading import Reading
from worker.retries import UpstreamFailed
from worker.streaming import Streaming

A, B, C, D = (said.text(letter) for letter in "abcd")


class Offering:
    """An answer that offers its reads as a connection does, and gives what is not taken to whoever waits."""

    def __init__(self, *reads: bytes) -> None:
        self.reads = list(reads)
        self.taken: list[bytes] = []

    async def read(self, pour: Callable[[bytes], int | None]) -> bytes:
        while self.reads:
            await asyncio.sleep(0)
            read = self.reads.pop(0)
            if pour(read) is None:
                return read
            self.taken.append(read)
        return b""


def streaming_to(writer: Writer, most_bytes: int = 1 << 20) -> Streaming:
    return Streaming(Reading(), writer, "claude-x", 0.0, most_bytes)


async def gone_through(offering: Offering, into: Streaming, writer: Writer) -> list[list[bytes]]:
    """What was given to the one who waits, and was written by it; to the end of the body."""
    given = []
    while (events := await into.next(offering)) is not None:  # type: ignore[arg-type]  # all that is used of an answer
        given.append(events)
        if events:
            await (writer.send(events) if writer.begun else writer.write(events))
    return given


async def test_deltas_behind_the_first_content_pass_at_once(world: World) -> None:
    """Cut anywhere; the log holds all in order, and only what is more than deltas was given to the one who waits."""
    claim, writer = await world.running()
    offering = Offering(said.start(), A, B[:20], B[20:] + C, D + said.BLOCK_END, A, said.STOP)
    given = await gone_through(offering, streaming_to(writer), writer)
    assert given == [[], [said.start(), A], [D, said.BLOCK_END], [said.STOP]]
    assert offering.taken == [B[:20], B[20:] + C, A]
    events = [said.start(), A, B, C, D, said.BLOCK_END, A, said.STOP]
    written = [id_line(claim.job_id, Position(claim.attempt, number)) + event for number, event in enumerate(events, 1)]
    assert await world.frames(claim.job_id) == b"".join(written)


async def test_what_must_not_be_written_any_more_is_refused_to_the_one_who_waits(world: World) -> None:
    """A lease that may have run out: from then on nothing passes."""
    sure = True
    claim, _ = await world.running()
    writer = Writer(world.line, claim.job_id, claim.attempt, lambda: sure)
    offering, into = Offering(said.start() + A), streaming_to(writer)
    await gone_through(offering, into, writer)
    sure = False
    assert into._pour(B) is None
    offering.reads = [B, C]
    with pytest.raises(Refused, match="fenced"):
        await gone_through(offering, into, writer)
    assert offering.taken == []
    assert (await world.frames(claim.job_id)).endswith(A)


async def test_a_refusal_of_what_has_passed_ends_the_passing(world: World) -> None:
    """The job was ended by another: its answer to the first such chunk is raised, and nothing is added."""
    claim, writer = await world.running()
    offering, into = Offering(said.start() + A), streaming_to(writer)
    await gone_through(offering, into, writer)
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")
    before = await world.frames(claim.job_id)
    offering.reads = [B]
    await gone_through(offering, into, writer)
    assert offering.taken == [B]
    await until(lambda: not writer.ready)
    offering.reads = [C]
    with pytest.raises(Refused, match="ended"):
        await gone_through(offering, into, writer)
    assert await world.frames(claim.job_id) == before


async def test_no_more_passes_than_may_be_on_its_way(world: World) -> None:
    """Without an answer of Redis meanwhile; then the one who waits has to wait for one."""
    _, writer = await world.running()
    into = streaming_to(writer)
    await gone_through(Offering(said.start() + A), into, writer)
    passed = [into._pour(B + C) for _ in range(MOST_SENT + 1)]
    assert passed == [2] * MOST_SENT + [None]


async def test_what_passes_counts_for_the_limit_of_an_answer(world: World) -> None:
    """The read that is too much is not written."""
    claim, writer = await world.running()
    offering = Offering(said.start() + A, B, C)
    into = streaming_to(writer, most_bytes=len(said.start() + A + B + C) - 1)
    with pytest.raises(UpstreamFailed) as failed:
        await gone_through(offering, into, writer)
    assert (failed.value.code, offering.taken) == ("answer_too_large", [B])
    assert (await world.frames(claim.job_id)).endswith(B)


async def test_gaps_are_told_in_lots(world: World, moved: Moved, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once: when there are many, when the last ones were told long ago, and at the end."""
    monkeypatch.setattr(streaming, "_GAPS", 4)
    _, writer = await world.running()
    into, told = streaming_to(writer), []
    await gone_through(Offering(said.start() + A), into, writer)
    for number in range(6):
        into._pour(B)
        told.append(moved.by("sluice_inter_token_seconds_count"))
        if number == 4:
            monkeypatch.setattr(streaming, "_GAPS_TOLD_S", 0.0)
    into.tell()
    into.tell()
    assert told == [0, 0, 0, 4, 4, 6]
    assert moved.by("sluice_inter_token_seconds_count") == 6
