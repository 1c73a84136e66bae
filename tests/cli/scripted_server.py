"""A server that answers each request with the next reply of a list, to the byte, and breaks off where it is told."""

import contextlib
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

_LIMIT_S = 10.0


@dataclass
class Request:
    """What came in."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What goes out. `cut`: the connection ends in the middle of the body; `held`: not before the server is closed."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    held: bool = False

    def sent(self) -> bytes:
        """Head and body; the body is one chunk, and its end is missing if it is cut."""
        kind = {"content-type": "text/event-stream", "transfer-encoding": "chunked", "connection": "close"}
        head = "".join(f"{name}: {value}\r\n" for name, value in {**kind, **self.headers}.items())
        chunk = b"%x\r\n%s\r\n" % (len(self.body), self.body) if self.body else b""
        return f"HTTP/1.1 {self.status} X\r\n{head}\r\n".encode() + chunk + (b"" if self.cut else b"0\r\n\r\n")


class ScriptedServer:
    """Listens from its making on; after the last reply it refuses connections."""

    def __init__(self, *replies: Reply, side_by_side: bool = False) -> None:
        """`side_by_side`: a reply that is held does not hold up the next one."""
        self._side_by_side = side_by_side
        self.requests: list[Request] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._closed = threading.Event()
        self._held: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, args=(replies,), daemon=True)
        self._thread.start()

    def let_go(self) -> None:
        """End the connections that are held `side_by_side`."""
        while self._held:
            self._held.pop().close()

    def close(self) -> None:
        """Stop listening."""
        self._closed.set()
        with contextlib.suppress(OSError):  # the script is over: it is closed already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_LIMIT_S)
        self.let_go()

    def _serve(self, replies: tuple[Reply, ...]) -> None:
        for reply in replies:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed
            connection.settimeout(_LIMIT_S)
            self.requests.append(_read(connection))
            connection.sendall(reply.sent())
            if reply.held and self._side_by_side:
                self._held.append(connection)
                continue
            if reply.held:
                self._closed.wait(_LIMIT_S)
            connection.close()
        self._listener.close()


def _read(connection: socket.socket) -> Request:
    with connection.makefile("rb") as stream:
        line = stream.readline().decode().rpartition(" ")[0]
        pairs = (part.decode().strip().partition(": ") for part in iter(stream.readline, b"\r\n"))
        headers = {name.lower(): value for name, _, value in pairs}
        return Request(line, headers, stream.read(int(headers.get("content-length", 0))))
