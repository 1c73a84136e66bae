"""A Redis in this process, for the laws that need no more than it has: fakeredis with Lua, behind a TCP port.

Invariant: it listens on loopback and ends with `close`.
Does not know: the laws.
"""

import socket
import threading
from typing import Any

from fakeredis import TcpFakeServer


class _Prompt(TcpFakeServer):
    """Answers leave at once: fakeredis writes them in pieces, which TCP otherwise holds back for 40 ms."""

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address


class Fake:
    """Runs from its making on; `url` is what `REDIS_URL` takes."""

    def __init__(self) -> None:
        self._server = _Prompt(("127.0.0.1", 0), server_type="valkey")
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="fake redis", daemon=True)
        self._thread.start()
        self.url = f"redis://127.0.0.1:{self._server.server_address[1]}/0"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
