"""One gateway process: listens, serves, and drains on SIGTERM.

Invariant: the drain is ours, not uvicorn's, whose own waits for ever or cuts streams without a word. Sockets notice
clients that vanish without a FIN.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from typing import NoReturn

import uvicorn
import uvloop

from gateway.access import may_listen
from gateway.app import build_app
from gateway.protocol import Protocol
from gateway.service import Service
from gateway.settings import GatewaySettings
from streamlog.server import UnsuitableServer, check_server
from streamlog.settings import JobSettings, RedisSettings, from_environment
from telemetry import logs
from telemetry.collector import collect_rarely

_KEEP_ALIVE_S = 75  # longer than clients keep theirs: a POST on a connection that is just being closed is lost
_log = logging.getLogger("sluice.gateway")


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: this process has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(service: Service, listener: socket.socket) -> None:
    """Serve on the socket until SIGTERM or SIGINT and the drain after it; a second signal ends it at once."""
    stop, kill = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, lambda: (kill if stop.is_set() else stop).set())
    await service.start()
    fleet = asyncio.create_task(service.fleet.read_for_ever())
    sweep = asyncio.create_task(service.sweeper.sweep_for_ever())
    clients = asyncio.create_task(service.access.watch_for_ever())
    assistants = asyncio.create_task(service.assistants.watch_for_ever())
    config = uvicorn.Config(
        build_app(service),
        http=Protocol,
        lifespan="off",
        log_config=None,
        access_log=False,  # it prints query strings
        server_header=False,
        proxy_headers=False,  # nothing asks who the client is, or by which scheme it came
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=5,
        backlog=4096,
    )
    config.load()
    collect_rarely()
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    host, port = listener.getsockname()[:2]
    _log.info("gateway ready: http://%s:%s", f"[{host}]" if ":" in host else host, port)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((stopped, serving), return_when=asyncio.FIRST_COMPLETED)
    _log.info("draining: %d responses open", service.presence.subscribers)
    drained = asyncio.create_task(service.subscribers.drain(service.settings.drain_s))
    killed = asyncio.create_task(kill.wait())
    await asyncio.wait((drained, killed), return_when=asyncio.FIRST_COMPLETED)
    if not drained.done():
        await service.subscribers.drain(0.0)  # still no stream ends without a word
    server.should_exit = True
    await serving
    for task in (fleet, sweep, clients, assistants, stopped, drained, killed):
        task.cancel()
    await service.close()


def listen(settings: GatewaySettings) -> socket.socket:
    """The listening socket; accepted ones inherit its options. Raises `OSError` when the address is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.create_server((settings.host, settings.port), family=family, backlog=4096)
    dead_s = max(2, round(settings.send_s))  # whose machine is gone takes nothing either
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, dead_s * 1000)
    if hasattr(socket, "TCP_KEEPIDLE"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, dead_s // 2)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    listener.setblocking(False)
    return listener


def main() -> None:
    """Run a gateway as the environment says; returns after a drain. Exits with 2 when it must not or cannot listen."""
    settings = from_environment(GatewaySettings)
    logs.configure("gateway", level=settings.log_level, json=settings.log_json)
    if not may_listen(settings):
        _exit(
            f"refusing to listen on {settings.host} without keys. Set SLUICE_CLIENTS_FILE or SLUICE_API_KEYS, "
            "or SLUICE_ALLOW_ANONYMOUS=1 if everyone who can reach this address may use it."
        )
    try:
        listener = listen(settings)
    except OSError as error:
        _exit(f"cannot listen on {settings.host}:{settings.port}: {os.strerror(error.errno or 0)}")
    redis = from_environment(RedisSettings)
    try:
        service = Service(redis, from_environment(JobSettings), settings)
    except ValueError as error:
        _exit(str(error))
    try:
        uvloop.run(_serve(redis, service, listener))
    except UnsuitableServer as error:
        _exit(str(error))


async def _serve(redis: RedisSettings, service: Service, listener: socket.socket) -> None:
    await check_server(redis)
    await serve(service, listener)


def _exit(why: str) -> NoReturn:
    print(f"sluice: {why}", file=sys.stderr)
    sys.exit(2)
