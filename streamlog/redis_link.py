"""How a process reaches Redis: with a limit on every wait.

Invariant: no call through here hangs longer than the timeout. What is repeated after a lost connection, and what not,
is for `Line` to say.
Does not know: what is asked of Redis.
"""

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from streamlog.settings import RedisSettings

# What a broken link raises: redis-py's own, and the plain OSError of a refused reconnect.
LINK_ERRORS = (RedisError, OSError, TimeoutError)


def connect(settings: RedisSettings, *, most: int = 64, retries: int = 2) -> Redis:
    """A client with a bounded pool that waits for a free connection, at most as long as for an answer.

    `retries` 0 for whoever reconnects by itself (`Link`).
    """
    wait_s = settings.redis_timeout_s
    pool = BlockingConnectionPool.from_url(
        settings.redis_url,
        max_connections=most,
        timeout=wait_s,
        socket_timeout=wait_s,
        socket_connect_timeout=min(wait_s, 2.0),
        **({} if settings.redis_url.startswith("unix:") else {"socket_keepalive": True}),
        retry=Retry(
            ExponentialBackoff(cap=0.2, base=0.02),
            retries,
            # OSError is what a refused reconnect raises; redis-py's annotation forgets that it is allowed.
            supported_errors=(RedisConnectionError, RedisTimeoutError, OSError),  # type: ignore[arg-type]
        ),
    )
    return Redis.from_pool(pool)
