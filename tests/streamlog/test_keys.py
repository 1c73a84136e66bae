"""Keys: named once, with a prefix that can stand in a Lua string."""

import re
from pathlib import Path

import pytest

import streamlog
from streamlog import keys as module
from streamlog.keys import Keys
from tests.streamlog.world import World

ROOMS = Path(streamlog.__file__).parent.parent
# A key as it would be spelled elsewhere: the beginning of a job's key, or a fleet's after some prefix; and within the
# room, where `queue` means nothing else, a fleet's alone.
_OF_JOB = "|".join({**module._OF_JOB, **module._OF_ARQ}.values())
_FLEET = "|".join(module._FLEET.values())
SPELLED = re.compile(rf"""["'](?:[\w.:-]*:)?(?:{_OF_JOB})["'{{%]|["'][\w.:-]*:(?:{_FLEET})["']""")
SPELLED_IN_THE_ROOM = re.compile(rf"""{SPELLED.pattern}|["'](?:{_FLEET})["']""")


@pytest.mark.parametrize("prefix", ["s", "sluice:", "team-a.prod_2:", "x" * 64])
def test_a_plain_prefix_begins_every_key(prefix: str) -> None:
    """Deployments that share a Redis are kept apart by it, but for arq's keys, which random ids keep apart."""
    keys = Keys(prefix)
    fleet = (keys.queue, keys.leases, keys.checks, keys.bell, keys.workers, keys.queued_bytes)
    of_job = (
        keys.record("job_1"),
        keys.body("job_1"),
        keys.log("job_1"),
        keys.watch("job_1"),
        keys.channel("job_1").decode(),
    )
    assert all(key.startswith(prefix) for key in (*fleet, *of_job))
    assert all(key.endswith("job_1") for key in of_job)
    assert len({*fleet, *of_job}) == len(fleet) + len(of_job)
    assert keys.arq_job("job_1") == "arq:job:job_1"


@pytest.mark.parametrize("prefix", ["", " ", "a b", "a'b", 'a"b', "a\\b", "a\nb", "{tag}", "ä", "x" * 65, "a:\n"])
def test_a_prefix_that_lua_or_redis_could_misread_is_refused(prefix: str) -> None:
    """Quotes, backslashes and line ends would leave the string that they stand in."""
    with pytest.raises(ValueError, match="key prefix"):
        Keys(prefix)


async def test_the_scripts_get_the_same_names(world: World) -> None:
    """What Lua reads from the prelude is what Python uses."""
    keys = Keys("team-a:")
    fleet = (keys.queue, keys.leases, keys.checks, keys.bell, keys.workers, keys.queued_bytes)
    of_job = (keys.record(""), keys.body(""), keys.log(""), keys.watch(""), keys.channel("").decode())
    names = "QUEUE, LEASES, CHECKS, BELL, WORKERS, QUEUED_BYTES, RECORD, BODY, LOG, WATCH, CHANNEL, ARQ_JOB, ARQ_RETRY"
    values = await world.call("EVAL", f"{keys.lua()} return {{{names}}}", 0)
    assert [value.decode() for value in values] == [*fleet, *of_job, keys.arq_job(""), keys.arq_retry("")]


def _files(room: str) -> list[Path]:
    return [file for kind in ("*.py", "*.lua") for file in (ROOMS / room).rglob(kind)]


def test_no_other_file_spells_a_key() -> None:
    """Keys have their names from one table."""
    spelling = [file for file in _files("streamlog") if SPELLED_IN_THE_ROOM.search(file.read_text())]
    assert spelling == [Path(module.__file__)]
    rooms = [file for room in ("gateway", "worker", "telemetry", "cli") for file in _files(room)]
    assert len(rooms) > 20
    assert [file for file in rooms if SPELLED.search(file.read_text())] == []


@pytest.mark.parametrize(
    "line", ["'sluice:queue'", 'f"{prefix}"; "log:"', "f'job:{id}'", '"arq:job:%s"', "'sluice:live:' .. id"]
)
def test_a_spelled_key_would_be_found(line: str) -> None:
    """The search above sees keys as people write them."""
    assert SPELLED.search(line)
    assert SPELLED_IN_THE_ROOM.search("redis.call('ZCARD', 'queue')")
