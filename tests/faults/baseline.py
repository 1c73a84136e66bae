"""What the tutorials show: an arq job that publishes each event, and a gateway that relays what it hears.

It exists to be caught: `test_baseline.py` breaks it, and the checker has to say so. It is given what helps it (events
are numbered, the gateway subscribes before it enqueues), so that it is caught for its design and not for a slip.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx2
import uvicorn
from arq import create_pool
from arq.connections import ArqRedis, RedisSettings
from arq.worker import Worker, func
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

URL, QUEUE = os.environ.get("REDIS_URL", ""), os.environ.get("SLUICE_PREFIX", "") + "arq"


async def generate(ctx: dict[str, Any], job_id: str, body: str) -> None:
    """The job: call the upstream, publish each event."""
    redis: Redis = ctx["redis"]
    headers = {"x-api-key": os.environ["ANTHROPIC_API_KEY"], "anthropic-version": "2023-06-01"}
    url = f"{os.environ['ANTHROPIC_BASE_URL']}/v1/messages"
    number, rest = 0, b""
    async with (
        httpx2.AsyncClient(timeout=60, trust_env=False, verify=False) as http,
        http.stream("POST", url, content=body.encode(), headers=headers) as answer,
    ):
        async for read in answer.aiter_raw():
            *events, rest = (rest + read).split(b"\n\n")
            for event in events:
                number += 1
                await redis.publish(job_id, b"id: %s:1-%d\n%s\n\n" % (job_id.encode(), number, event))


async def ask(request: Request) -> StreamingResponse:
    """POST /v1/messages: subscribe, enqueue, relay until the message stops."""
    pool: ArqRedis = request.app.state.pool
    job_id, body = f"job_{uuid4().hex}", (await request.body()).decode()
    pubsub = pool.pubsub()
    await pubsub.subscribe(job_id)
    await pool.enqueue_job("generate", job_id, body, _job_id=job_id)

    async def relay() -> AsyncIterator[bytes]:
        async for message in pubsub.listen():
            if message["type"] == "message":
                yield message["data"]
                if b"event: message_stop" in message["data"]:
                    break
        await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's own gap

    return StreamingResponse(relay(), media_type="text/event-stream", headers={"sluice-job-id": job_id})


async def _serve() -> None:
    app = Starlette(routes=[Route("/v1/messages", ask, methods=["POST"])])
    app.state.pool = await create_pool(_redis(), default_queue_name=QUEUE)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    config = server.config
    config.load()
    sock = config.bind_socket()
    print(f"gateway ready: http://127.0.0.1:{sock.getsockname()[1]}", flush=True)
    await server.serve([sock])


def _redis() -> RedisSettings:
    return RedisSettings(unix_socket_path=URL.removeprefix("unix://"))


def main() -> None:
    """`gateway` or `worker`."""
    if sys.argv[1] == "gateway":
        asyncio.run(_serve())
        return

    async def started(ctx: dict[str, Any]) -> None:
        print("worker ready: metrics http://none", flush=True)

    Worker([func(generate, name="generate")], queue_name=QUEUE, redis_settings=_redis(), on_startup=started,
           max_jobs=200, keep_result=0, log_results=False).run()  # fmt: skip


if __name__ == "__main__":
    main()
