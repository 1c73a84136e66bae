"""The healthcheck of the image, against a server of this machine."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "healthcheck.py"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """200 for /readyz, 503 for anything else."""
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """Where a server listens that is ready and not healthy."""
    with HTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def _asked(port: int, path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(_SCRIPT), str(port), path],
        env={"http_proxy": "http://127.0.0.1:1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_well(port: int) -> None:
    """A 200 is exit code 0, whatever proxy the environment names."""
    assert (_asked(port, "/readyz").returncode, _asked(port, "/readyz").stderr) == (0, "")


def test_not_well(port: int) -> None:
    """Any other status is exit code 1, and said."""
    done = _asked(port, "/healthz")
    assert (done.returncode, done.stderr) == (1, f"/healthz on port {port}: status 503\n")


def test_not_there(port: int) -> None:
    """A port where nobody listens is exit code 1, and said."""
    done = _asked(1, "/readyz")
    assert done.returncode == 1
    assert "refused" in done.stderr
