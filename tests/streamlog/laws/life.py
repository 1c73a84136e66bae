"""The laws of a whole life: every change of the table and no other, and nothing left when it is over."""

from collections.abc import Awaitable, Callable

from streamlog import lifecycle
from streamlog.claims import Claim
from streamlog.lifecycle import Change, State
from streamlog.writer import Refused
from tests.streamlog.laws.book import law
from tests.streamlog.world import EVENT, LEASE_S, QUEUE_WAIT_S, World


async def _in_state(world: World, state: State, change: Change) -> Claim:
    """A job in `state`, and the claim by which it got there; with content where `change` is about content."""
    claim, writer = await world.running()
    if state is State.QUEUED:
        await world.claims().release(claim.job_id, claim.attempt, give_back=True)
    elif state in lifecycle.ENDINGS:
        await writer.write([EVENT], mark=state.value)
    elif change is Change.LOSE:
        await writer.write([EVENT])
    return claim


async def _force(world: World, key: str, job_id: str) -> None:
    """Put the job where a script looks first: it must decide by the record all the same."""
    await world.call("ZADD", key, 0, job_id)


async def _claim(world: World, claim: Claim) -> None:
    await _force(world, world.keys.queue, claim.job_id)
    await world.claims().claim(8)


def _append(mark: str) -> Callable[[World, Claim], Awaitable[None]]:
    async def append(world: World, claim: Claim) -> None:
        writer = world.writer(claim)
        try:
            await writer.write([EVENT] * 2, mark=mark)
        except Refused:
            return

    return append


async def _cancel(world: World, claim: Claim) -> None:
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")


async def _lose(world: World, claim: Claim) -> None:
    await _force(world, world.keys.leases, claim.job_id)
    await world.claims().sweep()


async def _time_out(world: World, claim: Claim) -> None:
    await world.pass_time(claim.job_id, QUEUE_WAIT_S + 1)
    if await world.state(claim.job_id) is State.RUNNING:
        await world.call("ZADD", world.keys.leases, await world.now_ms() + int(LEASE_S * 1000), claim.job_id)
    await _force(world, world.keys.checks, claim.job_id)
    await world.claims().sweep()


CHANGES: dict[Change, Callable[[World, Claim], Awaitable[None]]] = {
    Change.CLAIM: _claim,
    Change.APPEND: _append(""),
    Change.COMPLETE: _append("done"),
    Change.FAIL: _append("failed"),
    Change.CANCEL: _cancel,
    Change.REQUEUE: _lose,
    Change.LOSE: _lose,
    Change.TIME_OUT: _time_out,
}


@law
async def the_scripts_change_states_as_the_table_says(world: World) -> None:
    """Each change in each state leads where `lifecycle.TRANSITIONS` says, and nowhere where it says nothing."""
    for state in State:
        for change, carry_out in CHANGES.items():
            claim = await _in_state(world, state, change)
            assert await world.state(claim.job_id) is state
            await carry_out(world, claim)
            expected = lifecycle.after(state, change)
            assert await world.state(claim.job_id) is expected, f"{change} of a {state} job"
            await world.log.end(claim.job_id, None, "cancelled", "cancelled")


async def _done(world: World) -> None:
    _, writer = await world.running(gateway="g1")
    await writer.write([EVENT])
    await writer.write([EVENT], mark="done")


async def _failed_after_two_workers(world: World) -> None:
    claim, _ = await world.running(gateway="g1")
    await world.pass_time(claim.job_id, LEASE_S + 1)
    await world.claims().sweep()
    await world.writer(await world.claim()).write([EVENT], mark="failed", code="upstream_cut")


async def _cancelled(world: World) -> None:
    claim, writer = await world.running(gateway="g1")
    await writer.write([EVENT])
    await world.line.script("leave", "g1", claim.job_id)
    await world.line.script("watch", "g2", 15_000, claim.job_id)
    await world.log.end(claim.job_id, None, "cancelled", "cancelled")


async def _timed_out(world: World) -> None:
    job_id = await world.submit(gateway="g1")
    await world.pass_time(job_id, QUEUE_WAIT_S + 1)
    await world.claims().sweep()


async def _running(world: World) -> None:
    _, writer = await world.running(gateway="g1")
    await writer.write([EVENT])


async def _queued(world: World) -> None:
    await world.submit(gateway="g1")


async def _keys_without_an_end(world: World) -> set[str]:
    """Keys of jobs, arq's of this world's jobs included, that would stay for ever."""
    own = {name.decode() for name in await world.call("KEYS", world.keys.prefix + "*job_*")}
    of_arq = {name.decode() for name in await world.call("KEYS", "arq:*")}
    of_jobs = own | {name for name in of_arq if name.rpartition(":")[2] in world.placed}
    return {name for name in of_jobs if await world.call("PTTL", name) == -1}


@law
async def no_key_of_a_job_is_ever_without_an_end(world: World) -> None:
    """Whatever becomes of a job, and while it lasts, all its keys expire by themselves."""
    for live in (_running, _queued):
        await live(world)
        assert await _keys_without_an_end(world) == set()


@law
async def nothing_of_a_life_remains(world: World) -> None:
    """After any ending no set of the fleet holds the job, and all that is left of it expires."""
    for live in (_done, _failed_after_two_workers, _cancelled, _timed_out):
        await live(world)
        for key in (world.keys.queue, world.keys.leases, world.keys.checks):
            assert await world.call("ZCARD", key) == 0
        assert await world.call("EXISTS", world.keys.queued_bytes) == 0
        assert await _keys_without_an_end(world) == set()
