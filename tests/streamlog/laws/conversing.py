"""The laws of conversations: one message at a time, an answer that its ending stores, and nothing born again."""

import asyncio
from dataclasses import replace

import pytest
from redis.exceptions import ResponseError

from streamlog.conversations import Conversation, ConversationMoved, Conversations, HeadPlace
from streamlog.errors import ClientError
from streamlog.jobs import Sameness
from streamlog.log import Placed
from streamlog.settings import JobSettings
from tests.streamlog.laws.book import law
from tests.streamlog.world import DETACHED, EVENT, KEEP_S, REQUEST, World


def _all(world: World) -> Conversations:
    return Conversations(world.line, world.keys, JobSettings())


async def _begun(world: World, owner: str = "owner") -> Conversation:
    return await _all(world).begin(owner, "", "hr", 60.0)


async def _say(world: World, conversation: Conversation, message: str = "Why?", **terms: object) -> Placed:
    return await _all(world).say(conversation, message, "A title", REQUEST, replace(DETACHED, **terms))  # type: ignore[arg-type]


async def _answered(world: World, conversation: Conversation) -> Conversation:
    """With one more turn, answered and settled."""
    await _say(world, conversation)
    await world.writer(await world.claim()).write([EVENT], mark="done")
    turn = (await _read(world, conversation)).turns[-1]
    await _all(world).settle(conversation.id, turn, b'"because"', 5.0)
    return await _read(world, conversation)


async def _read(world: World, conversation: Conversation) -> Conversation:
    return await _all(world).read(conversation.owner, conversation.id)


async def _refused(world: World, conversation: Conversation, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        await _say(world, conversation)
    assert refused.value.code == code
    assert await world.call("KEYS", f"{world.keys.body('')}*") == []


@law
async def a_message_is_a_job_and_a_turn(world: World) -> None:
    """Both or neither; the title is that of the first message."""
    conversation = await _begun(world)
    placed = await _say(world, conversation)
    found = await _read(world, conversation)
    assert [(turn.number, turn.message, turn.job_id, turn.answer) for turn in found.turns] == [
        (1, "Why?", placed.job_id, None)
    ]
    assert (found.head.title, found.head.assistant) == ("A title", "hr")
    assert (await world.claim()).job_id == placed.job_id


@law
async def one_message_at_a_time_is_answered(world: World) -> None:
    """Of many at once one is taken, the others are refused and leave nothing; so it is while it waits and runs."""
    conversation = await _begun(world)
    told = await asyncio.gather(*(_say(world, conversation) for _ in range(8)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in told) == ["ClientError"] * 7 + ["Placed"]
    assert {one.code for one in told if isinstance(one, ClientError)} == {"conversation_busy"}
    claim = await world.claim()
    assert await world.call("KEYS", f"{world.keys.body('')}*") == [world.keys.body(claim.job_id).encode()]
    await world.writer(claim).write([EVENT])
    with pytest.raises(ClientError):
        await _say(world, conversation)
    assert len((await _read(world, conversation)).turns) == 1


@law
async def whoever_has_not_read_the_last_answer_reads_again(world: World) -> None:
    """A prompt without it would forget what was said; with it the message is taken."""
    conversation = await _begun(world)
    after = await _answered(world, conversation)
    with pytest.raises(ConversationMoved):
        await _say(world, conversation)
    await _say(world, after)
    assert len((await _read(world, conversation)).turns) == 2


@law
async def a_message_sent_again_joins_its_job(world: World) -> None:
    """By its key, although the conversation is busy, and adds no turn."""
    conversation = await _begun(world)
    same = Sameness("print", "key")
    first = await _say(world, conversation, sameness=same)
    again = await _say(world, conversation, sameness=same)
    assert (again.job_id, again.joined) == (first.job_id, True)
    assert len((await _read(world, conversation)).turns) == 1


@law
async def a_refused_submit_leaves_no_turn(world: World) -> None:
    """Whatever refuses it."""
    conversation = await _begun(world)
    with pytest.raises(ClientError):
        limited = replace(DETACHED.quota, requests_a_minute=1)
        await world.submit(quota=limited)
        await _say(world, conversation, quota=limited)
    assert (await _read(world, conversation)).turns == []


@law
async def an_ending_keeps_answer_and_conversation_for_as_long(world: World) -> None:
    """From the ending on; until then both outlive the job."""
    conversation = await _begun(world)
    placed = await _say(world, conversation)
    life_ms = await world.call("PTTL", world.keys.record(placed.job_id))
    assert abs(await world.call("PTTL", world.keys.conversation(conversation.id)) - life_ms) < 1000
    await world.call("HSET", world.keys.conversation(conversation.id), "updated_us", "1")
    await world.writer(await world.claim()).write([EVENT], mark="done")
    log_ms = await world.call("PTTL", world.keys.log(placed.job_id))
    kept_ms = await world.call("PTTL", world.keys.conversation(conversation.id))
    assert KEEP_S * 1000 - 1000 < kept_ms <= KEEP_S * 1000
    assert abs(log_ms - kept_ms) < 100
    (head,) = (await _all(world).listed("owner", 5)).heads
    assert head.updated_us == (await world.record(placed.job_id)).ended_us
    assert int(await world.call("ZSCORE", world.keys.conversations("owner"), conversation.id)) == head.updated_us


@law
async def an_answer_is_settled_once_and_its_log_is_let_go(world: World) -> None:
    """The first word counts; a log that would be gone sooner is not kept for longer."""
    conversation = await _begun(world)
    placed = await _say(world, conversation)
    turn = (await _read(world, conversation)).turns[0]
    await _all(world).settle(conversation.id, turn, b'"too early"', 5.0)
    await world.writer(await world.claim()).write([EVENT], mark="done")
    await _all(world).settle(conversation.id, turn, b'"first"', 5.0)
    await _all(world).settle(conversation.id, turn, b'"second"', 50.0)
    assert (await _read(world, conversation)).turns[0].answer == b'"first"'
    for key in (world.keys.log(placed.job_id), world.keys.record(placed.job_id)):
        assert 4000 < await world.call("PTTL", key) <= 5000


@law
async def a_removed_conversation_is_not_born_again(world: World) -> None:
    """Neither by an ending nor by an answer that comes late."""
    conversation = await _begun(world)
    await _say(world, conversation)
    turn = (await _read(world, conversation)).turns[0]
    await world.call("UNLINK", world.keys.conversation(conversation.id))
    await world.writer(await world.claim()).write([EVENT], mark="done")
    await _all(world).settle(conversation.id, turn, b"null", 5.0)
    assert not await world.call("EXISTS", world.keys.conversation(conversation.id))
    await _refused(world, conversation, "conversation_not_found")


@law
async def nobody_speaks_in_anothers_conversation(world: World) -> None:
    """Nor reads nor removes it."""
    conversation = await _begun(world, "another")
    await _refused(world, replace(conversation, owner="owner"), "conversation_not_found")
    with pytest.raises(ClientError):
        await _all(world).read("owner", conversation.id)
    assert await _all(world).forget("owner", conversation.id) is None
    assert (await _read(world, conversation)).turns == []


@law
async def a_conversation_is_removed_when_nothing_of_it_lives(world: World) -> None:
    """Until then the job is named that has to be ended."""
    conversation = await _begun(world)
    placed = await _say(world, conversation)
    assert await _all(world).forget("owner", conversation.id) == placed.job_id
    await world.log.end(placed.job_id, None, "cancelled", "cancelled")
    assert await _all(world).forget("owner", conversation.id) is None
    assert not await world.call("EXISTS", world.keys.conversation(conversation.id))
    assert not await world.call("EXISTS", world.keys.conversations("owner"))


@law
async def conversations_are_listed_newest_first_in_pages(world: World) -> None:
    """Each once, nobody else's, and none that has expired."""
    made = [(await _begun(world)).id for _ in range(5)]
    await _begun(world, "another")
    await world.call("UNLINK", world.keys.conversation(made.pop(2)))
    pages, after, more = [], None, True
    while more:
        page = await _all(world).listed("owner", 2, after)
        pages.append([head.id for head in page.heads])
        after, more = page.after, page.after is not None
    assert pages == [made[:1:-1], made[1::-1]]
    assert await world.call("ZCARD", world.keys.conversations("owner")) == 4


@law
async def a_page_looks_at_a_thousand_conversations_at_most(world: World) -> None:
    """And says where it stopped."""
    kept = (await _begun(world)).id
    oldest = int(await world.call("ZSCORE", world.keys.conversations("owner"), kept))
    members = [value for i in range(1000) for value in (oldest + 1 + i, f"gone{i}")]
    await world.call("ZADD", world.keys.conversations("owner"), *members)
    page = await _all(world).listed("owner", 5)
    assert (page.heads, page.after) == ([], HeadPlace(oldest + 1, "gone0"))


@law
async def conversations_of_one_microsecond_are_listed_once_each(world: World) -> None:
    """A page may end between them."""
    made = sorted([(await _begun(world)).id for _ in range(3)], reverse=True)
    for conversation_id in made:
        await world.call("ZADD", world.keys.conversations("owner"), 1_700_000_000_000_001, conversation_id)
    first = await _all(world).listed("owner", 2)
    second = await _all(world).listed("owner", 2, first.after)
    assert [head.id for head in (*first.heads, *second.heads)] == made


@law
async def a_conversation_that_is_begun_twice_is_one(world: World) -> None:
    """The reply was lost, and the call was sent again."""
    arguments = ("conv_" + "x" * 22, "owner", "", "", 5000)
    first = await world.line.script("converse", *arguments)
    await world.call("HSET", world.keys.conversation(arguments[0]), "turns", "7")
    assert await world.line.script("converse", *arguments) == first
    assert await world.call("HGET", world.keys.conversation(arguments[0]), "turns") == b"7"


@law
async def a_conversation_that_is_not_ours_keeps_no_job_from_ending(world: World) -> None:
    """Somebody else has written where it stood."""
    conversation = await _begun(world)
    placed = await _say(world, conversation)
    await world.call("SET", world.keys.conversation(conversation.id), "x")
    await world.call("SET", world.keys.conversations("owner"), "x")
    try:
        await world.writer(await world.claim()).write([EVENT], mark="done")
    except ResponseError as error:
        raise AssertionError("the job could not end") from error
    assert (await world.record(placed.job_id)).state == "done"
    assert (await _all(world).listed("owner", 5)).heads == []
    await _begun(world)


@law
async def the_oldest_conversation_makes_room(world: World) -> None:
    """Of 10,000 the list names all; one more, and the oldest is gone from list and store."""
    oldest, key = await _begun(world), world.keys.conversations("owner")
    fillers = [part for number in range(9_999) for part in (str(2**52 + number), f"filler-{number}")]
    await world.call("ZADD", key, *fillers)
    assert (await _read(world, oldest)).head.id == oldest.id
    await _begun(world)
    assert await world.call("ZSCORE", key, oldest.id) is None
    with pytest.raises(ClientError, match="conversation"):
        await _read(world, oldest)
