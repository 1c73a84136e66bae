import socket
from collections.abc import Iterator

import pytest

from cli.command import CannotGoOn
from cli.ports import any_free, authority, free_from, is_free, reachable

HOST = "127.0.0.1"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server((HOST, 0)) as server:
        yield server.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken: int) -> None:
    """And one without is."""
    assert not is_free(HOST, taken)
    assert is_free(HOST, any_free(HOST))


def test_a_port_that_is_spoken_for_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the gateway will listen on is free as well, as long as nothing has started."""
    ports = iter((7001, 7002, 7003))

    class Probe:
        def __init__(self, *_: object, **__: object) -> None:
            self.port = next(ports)

        def __enter__(self) -> "Probe":
            return self

        def __exit__(self, *_: object) -> None:
            return

        def getsockname(self) -> tuple[str, int]:
            return HOST, self.port

    monkeypatch.setattr("socket.create_server", Probe)
    assert any_free(HOST, (7001, 7002)) == 7003


def test_asking_leaves_the_port_free() -> None:
    """The answer does not make itself untrue."""
    port = any_free(HOST)
    assert is_free(HOST, port)
    assert is_free(HOST, port)


def test_a_host_that_is_not_ours_is_refused() -> None:
    """One clear line instead of a server that never starts."""
    with pytest.raises(CannotGoOn, match=r"Cannot listen on 192\.0\.2\.1:8000: .+"):
        is_free("192.0.2.1", 8000)


def test_taken_ports_are_passed_over(taken: int) -> None:
    """Those with a listener, and those that are promised to somebody."""
    found = free_from(taken, 2, HOST, taken=(taken + 1,))
    assert len(set(found)) == 2
    assert min(found) > taken + 1


def test_too_few_free_ports_are_refused() -> None:
    """Ports end at 65535."""
    with pytest.raises(CannotGoOn, match="ports from 65535 up"):
        free_from(65_535, 2, HOST)


def test_ipv6_stands_in_brackets() -> None:
    """RFC 3986."""
    assert authority("::1", 80) == "[::1]:80"
    assert authority("localhost", 80) == "localhost:80"


def test_every_address_of_the_machine_is_reached_by_loopback() -> None:
    """A wildcard is no address to call."""
    assert [reachable(host) for host in ("0.0.0.0", "::", "10.0.0.1")] == ["127.0.0.1", "::1", "10.0.0.1"]
