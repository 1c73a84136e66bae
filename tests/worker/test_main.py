"""A worker that cannot begin says why in one line."""

import os
import socket
import subprocess
import sys


def started(**environment: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("ANTHROPIC_", "SLUICE_"))}
    return subprocess.run(
        [sys.executable, "-m", "worker"], env=bare | environment, capture_output=True, text=True, timeout=30
    )


def test_without_a_key_it_ends_with_2() -> None:
    """A worker that could call nobody does not start."""
    done = started(SLUICE_METRICS_PORT="0", ANTHROPIC_CONFIG_DIR="/nonexistent")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "ANTHROPIC_API_KEY" in done.stderr


def test_with_its_port_taken_it_ends_with_2() -> None:
    """Whoever scrapes that port must not read another process."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = started(SLUICE_METRICS_PORT=str(port), ANTHROPIC_API_KEY="k")
    assert (done.returncode, done.stderr) == (2, f"sluice: cannot listen on 127.0.0.1:{port}: Address already in use\n")


def test_a_setting_that_will_not_do_ends_it_with_2() -> None:
    """Each wrong variable is named, with what it holds."""
    done = started(SLUICE_SLOTS="many", SLUICE_LEASE_S="0")
    assert done.returncode == 2
    assert [line.split(":")[1] for line in done.stderr.splitlines()] == [" SLUICE_SLOTS='many'", " SLUICE_LEASE_S='0'"]
