import json
import math
from pathlib import Path

import pytest

from cli.client import Client
from cli.fleet import Fleet, between, counted, quantile, read
from cli.fleet_lines import in_one_line, lines
from cli.looking import Window
from tests.cli.scripted_server import Reply, ScriptedServer

READY = {"ready": True, "redis": True, "draining": False, "workers": 2, "queued": 3, "subscribers": 4}
METRICS = """\
# TYPE sluice_time_to_first_token_seconds histogram
sluice_time_to_first_token_seconds_bucket{le="0.5",model="a"} 1.0
sluice_time_to_first_token_seconds_bucket{le="1.0",model="a"} 3.0
sluice_time_to_first_token_seconds_bucket{le="+Inf",model="a"} 3.0
sluice_time_to_first_token_seconds_bucket{le="0.5",model="other"} 1.0
sluice_time_to_first_token_seconds_bucket{le="1.0",model="other"} 1.0
sluice_time_to_first_token_seconds_bucket{le="+Inf",model="other"} 1.0
# TYPE sluice_queue_oldest_seconds gauge
sluice_queue_oldest_seconds 1.25
# TYPE sluice_leases gauge
sluice_leases 5.0
# TYPE sluice_subscribers gauge
sluice_subscribers 4.0
"""


def _read(readiness: Reply, metrics: str = METRICS) -> Fleet:
    server = ScriptedServer(readiness, Reply(metrics.encode()))
    try:
        with Client(server.url) as client:
            return read(client)
    finally:
        server.close()


def test_a_reading_has_both_pages() -> None:
    """Models are summed."""
    assert _read(Reply(json.dumps(READY).encode())) == Fleet(
        ready=True,
        redis=True,
        draining=False,
        workers=2,
        queued=3,
        oldest_s=1.25,
        running=5,
        streams=4,
        first_tokens={0.5: 2.0, 1.0: 4.0, math.inf: 4.0},
    )


def test_what_is_not_known_is_not_zero() -> None:
    """A gateway without Redis knows nothing of the fleet."""
    state = {**READY, "ready": False, "redis": False, "workers": None, "queued": None}
    fleet = _read(Reply(json.dumps(state).encode(), status=503), METRICS.replace(" 5.0", " NaN").replace("1.25", "NaN"))
    assert (fleet.workers, fleet.queued, fleet.oldest_s, fleet.running) == (None, None, None, None)
    told = dict(lines(fleet, {}, "so far"))
    assert told["state"] == "Redis does not answer"
    assert told["queue"] == "- waiting"
    assert told["first token"] == "no answers so far"
    assert in_one_line(fleet, {}).startswith("Redis_does_not_answer workers=- queued=- ")


def test_a_person_reads_a_few_lines() -> None:
    """With the times that were measured."""
    fleet = _read(Reply(json.dumps(READY).encode()))
    assert lines(fleet, fleet.first_tokens, "so far") == [
        ("state", "ready"),
        ("workers", "2"),
        ("queue", "3 waiting, the oldest for 1.2 s"),
        ("running", "5 jobs"),
        ("streams", "4 open here"),
        ("first token", "p50 0.50 s, p95 0.95 s, p99 0.99 s (4 answers so far)"),
    ]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 0.5), (0.25, 0.25), (0.75, 0.75), (1.0, 1.0)], ids=["median", "low", "high", "most"]
)
def test_a_quantile_is_reckoned_as_by_prometheus(share: float, expected: float) -> None:
    """Evenly spread within a bucket."""
    assert quantile(share, {0.5: 2.0, 1.0: 4.0, math.inf: 4.0}) == expected


def test_a_quantile_without_answers_or_bounds() -> None:
    """None is none; beyond the last bound only that bound is known."""
    assert quantile(0.5, {}) is None
    assert quantile(0.5, {1.0: 0.0, math.inf: 0.0}) is None
    assert quantile(0.5, {1.0: 0.0, math.inf: 2.0}) == 1.0


def test_between_two_readings() -> None:
    """What came in between; a gateway that was started again has only what came since."""
    earlier, later = {1.0: 2.0, math.inf: 3.0}, {1.0: 5.0, math.inf: 7.0}
    assert between(earlier, later) == {1.0: 3.0, math.inf: 4.0}
    assert between(later, earlier) == earlier


def _fleet(answers: float) -> Fleet:
    return Fleet(True, True, False, 1, 0, 0.0, 0, 0, {math.inf: answers})


def test_a_watch_tells_of_the_last_minute() -> None:
    """What is older has gone."""
    window = Window()
    readings = [(0.0, 5.0), (30.0, 7.0), (60.0, 8.0), (90.0, 8.0), (150.0, 9.0)]
    assert [counted(window.take(_fleet(answers), at)) for at, answers in readings] == [0, 2, 3, 1, 1]


def test_the_metrics_that_are_read_exist() -> None:
    """A name that changes is noticed here."""
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    for name in ("sluice_time_to_first_token_seconds", "sluice_queue_oldest_seconds", "sluice_leases"):
        assert f"## `{name}`" in page
    assert "## `sluice_subscribers`" in page
