"""The request that every target gets."""

import json

import pytest

from bench.target import Target


def test_request_is_whole() -> None:
    """Its content-length is that of its body, which is JSON and asks for a stream."""
    request = Target.at("direct", "http://127.0.0.1:8100").ask(events=7, events_per_s=80, stamp=True)
    head, _, body = request.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert headers["host"] == "127.0.0.1:8100"
    assert int(headers["content-length"]) == len(body)
    message = json.loads(body)
    assert message["stream"] is True
    assert "[[sim:text first_token_ms=0 tps=80 events=7 stamp=1]]" in message["messages"][0]["content"]


def test_address_must_have_a_port() -> None:
    """An address that cannot be connected to as it stands is refused."""
    with pytest.raises(ValueError, match="is not http://host:port"):
        Target.at("Sluice", "http://127.0.0.1")
