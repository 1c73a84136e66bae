"""Which addresses are free, asked before anything starts.

Invariant: an answer holds for the moment of asking only; who listens later finds out again by itself.
Does not know: who will listen.
"""

import errno
import socket

from cli.command import CannotGoOn

_TRIED = 1000


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now. Raises CannotGoOn if nobody ever could: no such host, no permission."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            # Where SO_REUSEADDR lets two bind, only one may listen.
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise CannotGoOn(f"Cannot listen on {authority(host, port)}: {error.strerror}.") from error
    return True


def any_free(host: str, taken: tuple[int, ...] = ()) -> int:
    """A port that is free now, without `taken`: those that somebody else will listen on. Raises CannotGoOn."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(_TRIED):
        with socket.create_server((host, 0), family=family) as probe:
            port: int = probe.getsockname()[1]
        if port not in taken:
            return port
    raise CannotGoOn(f"Found no free port on {host}.")


def free_from(first: int, count: int, host: str, taken: tuple[int, ...] = ()) -> tuple[int, ...]:
    """The next `count` free ports from `first` up, without `taken`. Raises CannotGoOn after `_TRIED` of them."""
    found: list[int] = []
    for port in range(first, min(first + _TRIED, 65_536)):
        if len(found) == count:
            break
        if port not in taken and is_free(host, port):
            found.append(port)
    if len(found) < count:
        raise CannotGoOn(f"Found {len(found)} free ports from {first} up on {host}, {count} are needed.")
    return tuple(found)


def authority(host: str, port: int) -> str:
    """`host:port` as it stands in a URL; an IPv6 address in brackets (RFC 3986, 3.2.2)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reachable(host: str) -> str:
    """The host by which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
