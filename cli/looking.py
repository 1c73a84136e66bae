"""`sluice status` at work: one look, or a watch.

Invariant: a watch goes on while the server is away, and says so; its first-token times are of the last minute.
Does not know: what a reading means.
"""

import json
import sys
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime

from cli import fleet_lines
from cli.answer import AnswerError
from cli.client import Client
from cli.fleet import Fleet, between, read
from cli.screen import fit_for, harmless, renders
from cli.stream import Unreachable

_WINDOW_S = 60.0


class Window:
    """What the readings of the last minute tell about first-token times."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, Mapping[float, float]]] = deque()

    def take(self, fleet: Fleet, now_s: float) -> Mapping[float, float]:
        """The answers since the oldest reading that is at least a minute old, or since the first one."""
        self._readings.append((now_s, fleet.first_tokens))
        while len(self._readings) > 2 and self._readings[1][0] <= now_s - _WINDOW_S:
            self._readings.popleft()
        return between(self._readings[0][1], fleet.first_tokens)


def look(client: Client, *, as_json: bool) -> bool:
    """Print one reading; whether it is ready."""
    fleet = read(client)
    if as_json:
        print(json.dumps(fleet_lines.fields(fleet, fleet.first_tokens)))
    else:
        print("\n".join(_aligned(client.url, fleet, fleet.first_tokens, "since this gateway's start")))
    return fleet.ready


def watch_until_ctrl_c(client: Client, every_s: float, *, as_json: bool) -> None:
    """Read and show, again and again."""
    paint = not as_json and renders(sys.stdout)
    with suppress(KeyboardInterrupt):
        _paint(client, every_s) if paint else _print(client, every_s, as_json)


def _print(client: Client, every_s: float, as_json: bool) -> None:
    window = Window()
    while True:
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        try:
            fleet = read(client)
        except (AnswerError, Unreachable) as error:
            told = json.dumps({"at": at, "error": str(error)}) if as_json else fit_for(sys.stdout, f"{at} {error}")
            print(told, flush=True)
        else:
            recent = window.take(fleet, time.monotonic())
            told = json.dumps({"at": at, **fleet_lines.fields(fleet, recent)})
            print(told if as_json else f"{at} {fleet_lines.in_one_line(fleet, recent)}", flush=True)
        time.sleep(every_s)


def _paint(client: Client, every_s: float) -> None:
    from rich.text import Text

    from cli.keys import unechoed
    from cli.region import Region

    region, window = Region(sys.stdout), Window()
    shown: list[str] = []
    with unechoed():
        try:
            while True:
                try:
                    fleet = read(client)
                    shown = _aligned(client.url, fleet, window.take(fleet, time.monotonic()), "in the last minute")
                except (AnswerError, Unreachable) as error:
                    shown = [harmless(str(error))]
                region.paint([], [Text(line, no_wrap=True, overflow="ellipsis") for line in shown])
                time.sleep(every_s)
        finally:
            region.paint([Text(line) for line in shown], [])


def _aligned(url: str, fleet: Fleet, first_tokens: Mapping[float, float], since: str) -> list[str]:
    rows = [("gateway", url), *fleet_lines.lines(fleet, first_tokens, since)]
    return [f"{name:<12} {value}" for name, value in rows]
