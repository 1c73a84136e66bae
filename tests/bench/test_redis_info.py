"""bench/redis_info.py: what is read of the jobs themselves."""

from redis import Redis

from bench import redis_info
from streamlog.keys import Keys
from tests.support.valkey import Valkey

WAITS_US = {"a": 300, "b": 200, "c": 100}


def test_waits_are_those_of_the_newest_jobs() -> None:
    """Whoever owns them, the newest first."""
    keys, server = Keys(), Valkey()
    socket = server.url.removeprefix("unix://")
    try:
        with Redis(unix_socket_path=socket) as client:
            for number, (job_id, wait_us) in enumerate(WAITS_US.items()):
                client.zadd(keys.owned(f"owner {number % 2}"), {job_id: 1_000 + number})
                client.hset(keys.record(job_id), mapping={"created_us": 1_000, "claimed_us": 1_000 + wait_us})
        assert redis_info.waits_us(socket, 2) == [100, 200]
        assert redis_info.waits_us(socket, 9) == [100, 200, 300]
    finally:
        server.close()
