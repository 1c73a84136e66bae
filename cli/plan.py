"""What `sluice up` will start, as a value: made by a pure function from the options, the environment and free ports.

Invariant: of all processes only workers get the upstream's key.
Does not know: how anything is started.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from cli.command import Command, Stage
from cli.embedded_redis import Store
from cli.ports import authority, reachable
from cli.ready import Ready

_SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN")
_LOOPBACK = "127.0.0.1"
REAL_UPSTREAM = "https://api.anthropic.com"


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    host: str
    port: int
    workers: int
    slots: int
    drain_s: float


@dataclass(frozen=True)
class Ports:
    """Free ports of this machine's loopback: one a worker, and one for the simulator."""

    workers: tuple[int, ...]
    simulator: int


class Upstream(Enum):
    """Who answers."""

    CLAUDE = "claude"
    SIMULATOR = "simulator"


@dataclass(frozen=True)
class Plan:
    """All that is started, first to last, and when it counts as ready."""

    store: Store
    commands: tuple[Command, ...]
    ready: tuple[Ready, ...]
    drain_s: float
    base_url: str
    upstream: str
    keys: bool
    worker_urls: tuple[str, ...]


def upstream_of(environment: Mapping[str, str]) -> Upstream:
    """The real API if there is a key for it, else the simulator."""
    return Upstream.CLAUDE if any(environment.get(name) for name in _SECRETS) else Upstream.SIMULATOR


def plan(options: Options, environment: Mapping[str, str], store: Store, ports: Ports) -> Plan:
    """Everything that `sluice up` does, decided."""
    upstream = upstream_of(environment)
    base_url = f"http://{authority(reachable(options.host), options.port)}"
    worker_urls = tuple(f"http://{_LOOPBACK}:{port}" for port in ports.workers)
    simulator = (_simulator(environment, ports.simulator),) if upstream is Upstream.SIMULATOR else ()
    shared = _shared(options, environment, store)
    return Plan(
        store=store,
        commands=(*simulator, *_workers(options, environment, shared, ports), _gateway(options, shared)),
        ready=(Ready(f"{base_url}/readyz", {"workers": 1}), *(Ready(f"{url}/readyz", {}) for url in worker_urls)),
        drain_s=options.drain_s,
        base_url=base_url,
        upstream=_shown(upstream, environment, ports.simulator),
        keys=bool(environment.get("SLUICE_API_KEYS", "").strip(", ")),
        worker_urls=worker_urls,
    )


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    # -P: a directory called `gateway` where the user stands must not be taken for ours.
    return (sys.executable, "-P", "-m", module, *arguments)


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    rest = {name: value for name, value in environment.items() if name not in _SECRETS}
    return {**rest, "PYTHONUNBUFFERED": "1"}


def _shared(options: Options, environment: Mapping[str, str], store: Store) -> dict[str, str]:
    return {
        "SLUICE_LOG_PLAIN": "1",  # each line gets its process's name here; who wants JSON says SLUICE_LOG_JSON
        **_without_secrets(environment),
        "REDIS_URL": store.url,
        "SLUICE_DRAIN_S": f"{options.drain_s:g}",
    }


def _gateway(options: Options, shared: Mapping[str, str]) -> Command:
    environment = {**shared, "SLUICE_HOST": options.host, "SLUICE_PORT": str(options.port)}
    return Command("gateway", _python("gateway"), environment)


def _workers(
    options: Options, environment: Mapping[str, str], shared: Mapping[str, str], ports: Ports
) -> Iterator[Command]:
    upstream = _upstream_environment(environment, ports.simulator)
    for number, port in enumerate(ports.workers, start=1):
        own = {
            "SLUICE_SLOTS": str(options.slots),
            "SLUICE_METRICS_HOST": _LOOPBACK,
            "SLUICE_METRICS_PORT": str(port),
        }
        yield Command(f"worker {number}", _python("worker"), {**shared, **upstream, **own})


def _upstream_environment(environment: Mapping[str, str], simulator_port: int) -> dict[str, str]:
    if upstream_of(environment) is Upstream.CLAUDE:
        return {name: environment[name] for name in _SECRETS if environment.get(name)}
    # A proxy for the outside must not be asked for this machine's own loopback.
    unproxied = ",".join(filter(None, (environment.get("NO_PROXY") or environment.get("no_proxy"), _LOOPBACK)))
    return {
        "ANTHROPIC_API_KEY": "simulator",
        "ANTHROPIC_BASE_URL": f"http://{_LOOPBACK}:{simulator_port}",
        "NO_PROXY": unproxied,
        "no_proxy": unproxied,
    }


def _simulator(environment: Mapping[str, str], port: int) -> Command:
    arguments = ("--host", _LOOPBACK, "--port", str(port))
    return Command("simulator", _python("simulator", *arguments), _without_secrets(environment), Stage.UPSTREAM)


def _shown(upstream: Upstream, environment: Mapping[str, str], simulator_port: int) -> str:
    base_url = environment.get("ANTHROPIC_BASE_URL")
    if upstream is Upstream.CLAUDE:
        return f"Claude's API at {base_url or REAL_UPSTREAM}, with your key"
    ignored = "; ANTHROPIC_BASE_URL is not used without a key" if base_url else ""
    return f"simulator at http://{_LOOPBACK}:{simulator_port}, because no ANTHROPIC_API_KEY is set{ignored}"
