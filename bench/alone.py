"""What is measured of Sluice by itself: memory, pick-up, idling, commands, many followers; and two of each process.

Does not know: how.
"""

from __future__ import annotations

from bench.audience import Audience
from bench.commands import Commands
from bench.deltas import PacedDeltas
from bench.house import House
from bench.measure import Measure
from bench.memory import Log, Open, Turnover
from bench.pickup import Idling, PickUp
from bench.target import Target


def alone(direct: Target, house: House) -> list[Measure]:
    """Of this house, or of houses of their own before the same stand-in."""
    redis = house.redis_socket
    return [
        *(PickUp(in_flight, redis) for in_flight in (0, 100, 1_000)),
        *(Idling(in_flight, redis) for in_flight in (0, 1_000)),
        Commands(redis),
        *(Audience(followers) for followers in (1, 1_000)),
        Open(1_000, direct),
        Log(200, redis),
        Turnover(10_000, direct),
    ]


def scaled(window_s: float) -> list[Measure]:
    """For Sluice with one of each beside Sluice with two."""
    return [PacedDeltas(300, 80, window_s)]
