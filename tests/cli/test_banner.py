import dataclasses
import json
import shlex

from cli.banner import banner, curl
from cli.embedded_redis import Store
from cli.model import DEFAULT_MODEL
from cli.plan import Options, Plan, Ports, plan

_LONG = "embedded, Unix socket /" + "very/" * 60 + "long.sock"


def _plan() -> Plan:
    options = Options("127.0.0.1", 8000, 2, 200, 5.0)
    return plan(options, {}, Store("unix:///s", _LONG), Ports((9100, 9102), 4000))


def test_it_tells_every_address_and_choice() -> None:
    """One line each, with its label."""
    lines = [" ".join(line.split()) for line in banner(_plan(), "/data", colour=False).splitlines()]
    for wanted in (
        "gateway http://127.0.0.1:8000",
        "page http://127.0.0.1:8000/",
        "API docs http://127.0.0.1:8000/docs",
        "metrics http://127.0.0.1:8000/metrics",
        "worker 1 http://127.0.0.1:9100/metrics",
        "worker 2 http://127.0.0.1:9102/metrics",
        "upstream simulator at http://127.0.0.1:4000, because no ANTHROPIC_API_KEY is set",
        "data /data",
    ):
        assert wanted in lines


def test_nothing_is_wrapped() -> None:
    """A long path stays in one line, so that it can be copied."""
    assert f"Redis      {_LONG}" in banner(_plan(), "/data", colour=False)


def test_without_colour_it_is_plain() -> None:
    """No escape sequences for files and pipes; the same words with them."""
    assert "\x1b" not in banner(_plan(), "/data", colour=False)
    assert "\x1b[" in banner(_plan(), "/data", colour=True)


def test_the_line_to_try_is_one_that_a_shell_understands() -> None:
    """It streams from the Messages call with what the API wants."""
    words = shlex.split(curl(_plan()).replace("\\\n", " "))
    assert words[:3] == ["curl", "-N", "http://127.0.0.1:8000/v1/messages"]
    assert {"anthropic-version: 2023-06-01", "x-api-key: any", "content-type: application/json"} <= set(words)
    body = json.loads(words[-1])
    assert (body["model"], body["stream"]) == (DEFAULT_MODEL, True)
    assert curl(_plan()) in banner(_plan(), "/data", colour=False)


def test_with_configured_keys_the_line_asks_for_one() -> None:
    """A key that is not valid would only show a refusal; a valid one is not ours to print."""
    assert '"x-api-key: $SLUICE_API_KEY"' in curl(dataclasses.replace(_plan(), keys=True))
