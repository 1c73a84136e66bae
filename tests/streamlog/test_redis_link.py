"""The plain client: bounded, and no wait without a limit."""

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from streamlog.redis_link import LINK_ERRORS, connect
from streamlog.settings import RedisSettings
from tests.support.valkey import Valkey


async def test_a_frozen_server_is_an_error_in_time(private: Valkey) -> None:
    """A call fails within its timeout, by an error that callers expect of a link."""
    async with connect(RedisSettings(redis_url=private.url, redis_timeout_s=0.2), retries=0) as redis:
        await redis.ping()
        private.freeze()
        with pytest.raises(LINK_ERRORS):
            await asyncio.wait_for(redis.ping(), 3)
        private.thaw()


async def test_a_server_that_is_not_there_is_an_error_of_the_link(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A refused connection is told as such, at once."""
    nowhere = RedisSettings(redis_url=f"unix://{tmp_path_factory.mktemp('r')}/none.sock", redis_timeout_s=0.2)
    async with connect(nowhere, retries=1) as redis:
        with pytest.raises(LINK_ERRORS):
            await asyncio.wait_for(redis.ping(), 3)


async def test_a_lost_connection_is_made_again(valkey: Valkey) -> None:
    """A call on a connection that Redis has closed is repeated on a new one."""
    async with connect(RedisSettings(redis_url=valkey.url)) as redis:
        client_id = await redis.client_id()
        async with connect(RedisSettings(redis_url=valkey.url)) as other:
            await other.client_kill_filter(_id=str(client_id))
        assert await redis.client_id() != client_id


async def test_no_more_connections_than_allowed(valkey: Valkey) -> None:
    """Whoever finds none free waits, and at most as long as for an answer."""
    async with connect(RedisSettings(redis_url=valkey.url, redis_timeout_s=0.2), most=1) as redis:
        pool = redis.connection_pool
        held = await pool.get_connection()
        with pytest.raises(RedisConnectionError):
            await asyncio.wait_for(redis.ping(), 3)
        await pool.release(held)
        assert await redis.ping()
