"""The simulator as a server inside an event loop: it listens, and stops at once.

Invariant: after `close` no connection of it is open. Does not know signals or the command line.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from simulator.choice import Pace
from simulator.connection import Connection
from simulator.ledger import Ledger
from simulator.routes import Routes

_BACKLOG = 2_048


class Simulator:
    """A running simulator; `async with Simulator() as simulator` starts and closes it.

    `port` 0 takes a free one; `base_url` says which. `pace` is for calls that ask for none.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, pace: Pace | None = None) -> None:
        self.ledger = Ledger()
        self._host = host
        self._port = port
        self._connections: set[Connection] = set()
        self._routes = Routes(self.ledger, pace or Pace())

    async def start(self) -> None:
        """Listen. Raises OSError if the address is taken."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self._routes, self._connections), self._host, self._port, backlog=_BACKLOG
        )

    @property
    def base_url(self) -> str:
        """The address that an SDK takes as its `base_url`."""
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def close(self) -> None:
        """Stop listening and cut every open stream."""
        self._server.close()
        for connection in tuple(self._connections):
            connection.abort()
        await self._server.wait_closed()

    async def __aenter__(self) -> Simulator:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
