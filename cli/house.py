"""What `sluice up` does: look what is there, decide, run, tell.

Invariant: all that can be refused without starting anything is refused before anything is started.
Does not know: how a process is kept running.
"""

import asyncio
import io
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from cli.banner import banner
from cli.command import CannotGoOn, WrongUsage
from cli.console import Console, wants_colour
from cli.data_dir import DataDir
from cli.embedded_redis import Store, embedded, given
from cli.plan import Options, Plan, Ports, plan
from cli.ports import any_free, authority, free_from, is_free
from cli.supervisor import Stop, supervise

_FIRST_METRICS_PORT = 9100
_LOOPBACK = "127.0.0.1"


def keep_house(options: Options, redis_url: str, data_dir: Path) -> int:
    """Run everything until a signal; returns the exit code. Raises CannotGoOn if nothing could even be started,
    and WrongUsage for a Redis that can never serve.

    `redis_url` empty: an embedded server with its data in `data_dir`.
    """
    options = _with_port(options)
    if redis_url:
        store = given(redis_url)
        _refuse_what_cannot_serve(redis_url)
        return _run(options, store, "in that Redis")
    with DataDir(data_dir) as data:
        kept = f"{data.path} (appended to a file, flushed every second)"
        return _run(options, embedded(data, os.environ), kept)


def _refuse_what_cannot_serve(redis_url: str) -> None:
    from streamlog.server import look
    from streamlog.settings import RedisSettings

    # Of the settings only the address: what is wrong with the others, each process says itself.
    if refusal := asyncio.run(look(RedisSettings.model_construct(redis_url=redis_url))).refusal:
        raise WrongUsage(refusal)


def _with_port(options: Options) -> Options:
    if options.port == 0:
        return replace(options, port=any_free(options.host))
    if not is_free(options.host, options.port):
        taken = authority(options.host, options.port)
        raise CannotGoOn(f"{taken} is taken by another program. Stop it, or choose another --port.")
    return options


def _run(options: Options, store: Store, kept: str) -> int:
    metrics = free_from(_FIRST_METRICS_PORT, options.workers, _LOOPBACK, taken=(options.port,))
    decided = plan(options, os.environ, store, Ports(metrics, any_free(_LOOPBACK, (options.port, *metrics))))
    return asyncio.run(run(decided, kept))


def _call(loop: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(action)


async def run(decided: Plan, kept: str) -> int:
    """Run a plan on this process's terminal and signals; `kept` says where data is. Returns the exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without these letters must not end anything
    loop, stop = asyncio.get_running_loop(), Stop()
    stop.on_signals()
    colour = wants_colour(sys.stdout)
    console = Console(sys.stdout, colour=colour, gone=partial(_call, loop, stop.nobody_there))
    try:
        console.say(f"sluice: starting; Redis: {decided.store.shown}; upstream: {decided.upstream}")
        return await supervise(
            decided,
            stop,
            relay=console.relay,
            say=lambda text: console.say(f"sluice: {text}"),
            announce=lambda: console.say(banner(decided, kept, colour=colour)),
        )
    finally:
        console.close()
