"""The laws of read: a log is read in pages, from a position on, that position included."""

from streamlog.frames import Chunk
from streamlog.log import PAGE_BYTES
from tests.streamlog.laws.book import law
from tests.streamlog.world import EVENT, World


async def _read_all(world: World, job_id: str, start: str = "-") -> tuple[list[Chunk], int]:
    """All chunks from `start` on, as a follower turns the pages, and how many pages that took."""
    page = await world.log.read(job_id, start)
    chunks, pages = page.chunks, 1
    while page.more:
        page = await world.log.read(job_id, str(chunks[-1].position))
        assert page.chunks[0] == chunks[-1]
        assert len(page.chunks) > 1
        chunks, pages = chunks + page.chunks[1:], pages + 1
    return chunks, pages


@law
async def read_begins_with_the_chunk_that_holds_the_position(world: World) -> None:
    """A position inside a chunk gives that chunk, and all that follow."""
    claim, writer = await world.running()
    for _ in range(3):
        await writer.write([EVENT] * 2)
    for number, firsts in ((1, [1, 3, 5]), (2, [1, 3, 5]), (3, [3, 5]), (6, [5]), (7, [])):
        page = await world.log.read(claim.job_id, f"{claim.attempt}-{number}")
        assert [chunk.first for chunk in page.chunks] == firsts
        assert (page.exists, page.more) == (True, False)


@law
async def read_comes_in_pages_that_add_up(world: World) -> None:
    """Many chunks are read in pages of bounded size, each chunk once and in order; small ones in one."""
    for size, fewest, most in ((PAGE_BYTES // 8, 5, 7), (1, 1, 1)):
        claim, writer = await world.running()
        for _ in range(40):
            await writer.write([b"x" * size])
        chunks, pages = await _read_all(world, claim.job_id)
        assert [chunk.first for chunk in chunks] == list(range(1, 41))
        assert fewest <= pages <= most


@law
async def read_gets_past_chunks_larger_than_a_page(world: World) -> None:
    """A page that begins with a huge chunk holds the next one too: whoever reads from there gets on."""
    claim, writer = await world.running()
    for size in (PAGE_BYTES + 1, 2 * PAGE_BYTES, 10, PAGE_BYTES):
        await writer.write([b"x" * size])
    chunks, _ = await _read_all(world, claim.job_id)
    assert [chunk.first for chunk in chunks] == [1, 2, 3, 4]


@law
async def read_tells_a_job_without_frames_from_one_that_is_gone(world: World) -> None:
    """An empty page of a known job means wait, of an unknown one never."""
    job_id = await world.submit()
    page = await world.log.read(job_id)
    assert (page.exists, page.chunks, page.more) == (True, [], False)
    assert not (await world.log.read("job_unknown")).exists
