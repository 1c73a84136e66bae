"""`sluice up` with fake rooms: the real supervision of this very process, on its terminal and signals.

Usage: -m tests.cli.fake_house REDIS_URL DRAIN_S READY_URL COMMANDS; the last is JSON, a list of [name, stage, argv].
"""

import asyncio
import json
import os
import sys

from cli.command import Command, Stage
from cli.embedded_redis import Store
from cli.house import run
from cli.plan import Plan
from cli.ready import Ready


def main() -> None:
    redis_url, drain_s, ready, commands = sys.argv[1:]
    plan = Plan(
        store=Store(redis_url, "a Redis of the test"),
        commands=tuple(
            Command(name, tuple(argv), dict(os.environ), Stage[stage]) for name, stage, argv in json.loads(commands)
        ),
        ready=(Ready(ready, {"workers": 1}),),
        drain_s=float(drain_s),
        base_url=ready.removesuffix("/readyz"),
        upstream="nobody",
        keys=False,
        worker_urls=(),
    )
    sys.exit(asyncio.run(run(plan, "nowhere")))


if __name__ == "__main__":
    main()
