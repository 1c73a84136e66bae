"""The gateways beside Sluice, each one process before the same stand-in, as its own documentation starts it.

Invariant: a peer that is not installed or does not start is `absent`, with the reason; none is left out in silence.
Does not know: what is measured; how they are installed (bench/install_peers.sh).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bench.failure import BenchFailed
from bench.process import Process, free_port
from bench.target import Target

HOME = Path(__file__).parents[1] / ".venv-peers"
_DONE = b"[DONE]\n\n"
_NGINX = """
worker_processes 1; daemon off; pid {home}/pid; error_log stderr;
events {{ worker_connections 8192; }}
http {{
  access_log off; client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  keepalive_requests 1000000;
  upstream claude {{ server 127.0.0.1:{upstream}; keepalive 2000; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://claude; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
      proxy_read_timeout 300s;
    }}
  }}
}}
"""
_TENSORZERO = """
[models.claude-bench]
routing = ["anthropic"]
[models.claude-bench.providers.anthropic]
type = "anthropic"
model_name = "claude-bench"
api_base = "http://127.0.0.1:{upstream}/v1/messages"
[gateway]
observability.enabled = false
"""

Kind = Callable[[Target], contextlib.AbstractContextManager[Target]]
"""Starts a peer before this upstream, for a block."""


def _running(target: Target, upstream: Target, process: Process) -> Target:
    return replace(target, processes=lambda: {**process.tree(), **upstream.processes()})


def _environment(**own: str) -> dict[str, str]:
    foreign = ("ANTHROPIC_", "SLUICE_", "REDIS_", "HTTP_PROXY", "http_proxy")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | own


@contextlib.contextmanager
def tutorial(upstream: Target) -> Iterator[Target]:
    """FastAPI and the SDK in one process: bench/tutorial.py."""
    port = free_port()
    environment = _environment(ANTHROPIC_API_KEY="any", ANTHROPIC_BASE_URL=f"http://127.0.0.1:{upstream.port}")
    command = [sys.executable, "-P", "-m", "bench.tutorial", str(port)]
    with Process("tutorial", command, port=port, environment=environment | _importable()) as process:
        yield _running(Target("tutorial", "127.0.0.1", port, path="/chat", last=_DONE), upstream, process)


def _importable() -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[1])}


@contextlib.contextmanager
def nginx(upstream: Target) -> Iterator[Target]:
    """One worker process, buffering off."""
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or HOME / "nginx/usr/sbin/nginx"
    if not Path(binary).exists():
        raise BenchFailed("not installed (apt-get install nginx, or make bench-peers)")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sluice-bench-nginx-") as home:
        conf = Path(home) / "nginx.conf"
        conf.write_text(_NGINX.format(home=home, upstream=upstream.port, port=port))
        with Process("nginx", [str(binary), "-c", str(conf), "-p", home, "-e", "stderr"], port=port) as process:
            yield _running(Target("nginx", "127.0.0.1", port), upstream, process)


@contextlib.contextmanager
def litellm(upstream: Target) -> Iterator[Target]:
    """LiteLLM's proxy, its pass-through to Anthropic."""
    binary, port = _installed("litellm/bin/litellm"), free_port()
    environment = _environment(
        ANTHROPIC_API_KEY="any",
        ANTHROPIC_API_BASE=f"http://127.0.0.1:{upstream.port}",
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY="true",  # no key to check is less work, never more
        PATH=f"{binary.parent}:{os.environ['PATH']}",
    )
    command = [str(binary), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1", "--telemetry", "False"]
    with Process("litellm", command, port=port, environment=environment, ready_s=120) as process:
        target = Target("LiteLLM", "127.0.0.1", port, path="/anthropic/v1/messages")
        yield _running(target, upstream, process)


@contextlib.contextmanager
def portkey(upstream: Target) -> Iterator[Target]:
    """Portkey's gateway on Node."""
    script, port = _installed("portkey/node_modules/@portkey-ai/gateway/build/start-server.js"), free_port()
    command = ["node", str(script), f"--port={port}", "--headless"]
    environment = _environment(TRUSTED_CUSTOM_HOSTS="127.0.0.1,localhost", NODE_ENV="production")
    headers = {
        "x-portkey-provider": "anthropic",
        "x-portkey-custom-host": f"http://127.0.0.1:{upstream.port}/v1",
    }
    with Process("portkey", command, port=port, environment=environment) as process:
        yield _running(Target("Portkey", "127.0.0.1", port, headers=headers), upstream, process)


@contextlib.contextmanager
def tensorzero(upstream: Target) -> Iterator[Target]:
    """TensorZero's gateway (Rust), as its Python package embeds it; it answers in OpenAI's shape alone."""
    python = _installed("tensorzero/bin/python")
    with tempfile.TemporaryDirectory(prefix="sluice-bench-tensorzero-") as home:
        config = Path(home) / "tensorzero.toml"
        config.write_text(_TENSORZERO.format(upstream=upstream.port))
        command = [str(python), str(Path(__file__).with_name("serve_tensorzero.py")), str(config)]
        environment = _environment(ANTHROPIC_API_KEY="any")
        with Process("tensorzero", command, says=r"^listening on (\S+)$", environment=environment) as process:
            path, model = "/openai/v1/chat/completions", "tensorzero::model_name::claude-bench"
            target = replace(Target.at("TensorZero", process.said), path=path, model=model, last=_DONE, quick_ack=True)
            yield _running(target, upstream, process)


def _installed(path: str) -> Path:
    if not (HOME / path).exists():
        raise BenchFailed("not installed (make bench-peers)")
    return HOME / path


IN_THIS_ENVIRONMENT: tuple[Kind, ...] = (tutorial, nginx)
IN_THEIR_OWN: tuple[Kind, ...] = (litellm, portkey, tensorzero)


def start_all(kinds: tuple[Kind, ...], upstream: Target, stack: contextlib.ExitStack) -> tuple[list[Target], list[str]]:
    """Start these until the stack is closed: those that run, and a sentence for each that does not."""
    present, absent = [], []
    for kind in kinds:
        try:
            present.append(stack.enter_context(kind(upstream)))
        except BenchFailed as error:
            absent.append(f"{kind.__name__}: {error}")
    return present, absent
