"""The laws of an owner's jobs: one's own are listed, page after page, and what is removed is gone."""

from streamlog.jobs import Sameness
from streamlog.keys import Lane
from streamlog.owned import OwnedJobs, Place
from tests.streamlog.laws.book import law
from tests.streamlog.world import EVENT, World


async def _all(world: World, owner: str, most: int, state: str = "") -> list[list[str]]:
    """The ids of all pages."""
    pages, after, more = [], None, True
    while more:
        page = await OwnedJobs(world.line).listed(owner, most, after=after, state=state)
        pages.append([job_id for job_id, _ in page.jobs])
        after, more = page.after, page.after is not None
    return pages


@law
async def ones_own_jobs_are_listed_newest_first(world: World) -> None:
    """In pages, each job once, and nobody else's."""
    ids = [await world.submit() for _ in range(5)]
    await world.submit(owner="another")
    assert await _all(world, "owner", 2) == [ids[4:2:-1], ids[2:0:-1], ids[:1]]
    assert await _all(world, "owner", 5) == [ids[::-1]]


@law
async def jobs_of_one_microsecond_are_listed_once_each(world: World) -> None:
    """A page may end between them."""
    ids = sorted([await world.submit() for _ in range(5)], reverse=True)
    for job_id in ids:
        await world.call("ZADD", world.keys.owned("owner"), 1_700_000_000_000_001, job_id)
    assert await _all(world, "owner", 2) == [ids[:2], ids[2:4], ids[4:]]


@law
async def a_list_can_be_of_one_state(world: World) -> None:
    """Running are those that were claimed; the others of that page are left out."""
    first, second = await world.submit(), await world.submit()
    assert [claim.job_id for claim in await world.claims().claim(1)] == [first]
    assert await _all(world, "owner", 5, "running") == [[first]]
    assert await _all(world, "owner", 5, "queued") == [[second]]
    assert await _all(world, "owner", 5, "done") == [[]]


@law
async def a_page_looks_at_a_thousand_jobs_at_most(world: World) -> None:
    """And says where it stopped, so that no state is too rare to be found."""
    rare = await world.submit()
    oldest = await world.call("ZSCORE", world.keys.owned("owner"), rare)
    await world.call("HSET", world.keys.record("dull"), "state", "queued")
    members = [value for i in range(1000) for value in (int(float(oldest)) + 1 + i, f"gone{i}")]
    await world.call("ZADD", world.keys.owned("owner"), *members)
    page = await OwnedJobs(world.line).listed("owner", 5, state="queued")
    assert (page.jobs, page.after) == ([], Place(int(float(oldest)) + 1, "gone0"))
    assert await _all(world, "owner", 5) == [[rare]], "those without a record were forgotten"


@law
async def the_list_lives_as_long_as_its_jobs(world: World) -> None:
    """And not for ever."""
    job_id = await world.submit()
    life_ms = await world.call("PTTL", world.keys.record(job_id))
    assert life_ms - 1000 < await world.call("PTTL", world.keys.owned("owner")) <= life_ms + 1000


@law
async def a_light_call_is_not_listed(world: World) -> None:
    """It is no job in its owner's eyes."""
    await world.submit(lane=Lane.LIGHT)
    assert await _all(world, "owner", 5) == [[]]


@law
async def a_removed_job_leaves_nothing(world: World) -> None:
    """Neither prompt nor answer, nor what would find them: the same call is a new one."""
    same = Sameness("print", "key")
    claim, writer = await world.running(gateway="g1", sameness=same)
    await writer.write([EVENT], mark="done")
    assert await OwnedJobs(world.line).remove("owner", claim.job_id) == (True, None)
    left = set(await world.call("KEYS", f"{world.keys.prefix}*")) - {world.keys.bell.encode()}
    assert left == set()
    assert not (await world.place(sameness=same)).joined


@law
async def a_running_job_is_cancelled_before_it_is_removed(world: World) -> None:
    """Whoever follows is told, its worker is nudged and may not write, and nothing is left."""
    claim, writer = await world.running()
    await writer.write([EVENT])
    there, ended = await OwnedJobs(world.line).remove("owner", claim.job_id)
    assert there and ended is not None
    assert (ended.job_id, ended.state, ended.code) == (claim.job_id, "cancelled", "cancelled")
    assert await world.call("LLEN", world.keys.nudges("worker")) == 1
    assert await world.log.record(claim.job_id) is None
    for key in (world.keys.log(claim.job_id), world.keys.body(claim.job_id), world.keys.arq_job(claim.job_id)):
        assert not await world.call("EXISTS", key)


@law
async def nobody_removes_what_is_not_his(world: World) -> None:
    """A foreign job and one that never was are the same."""
    job_id = await world.submit()
    assert await OwnedJobs(world.line).remove("another", job_id) == (False, None)
    assert await OwnedJobs(world.line).remove("owner", "job_" + "x" * 22) == (False, None)
    assert await world.log.record(job_id) is not None
