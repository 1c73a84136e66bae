"""A reading of a Sluice in words: a few lines for a person, one for a log, fields for programs.

Does not know: where the reading comes from.
"""

from collections.abc import Mapping

from cli.fleet import Fleet, counted, quantile

_SHARES = (50, 95, 99)


def fields(fleet: Fleet, first_tokens: Mapping[float, float]) -> dict[str, object]:
    """For JSON: what is not known is null."""
    return {
        "ready": fleet.ready,
        "redis": fleet.redis,
        "draining": fleet.draining,
        "workers": fleet.workers,
        "queued": fleet.queued,
        "oldest_s": fleet.oldest_s,
        "running": fleet.running,
        "streams": fleet.streams,
        "answers": counted(first_tokens),
        **{f"first_token_p{share}_s": quantile(share / 100, first_tokens) for share in _SHARES},
    }


def state_of(fleet: Fleet) -> str:
    """In a word or two."""
    if fleet.draining:
        return "draining"
    if not fleet.redis:
        return "Redis does not answer"
    return "ready" if fleet.ready else "not ready"


def lines(fleet: Fleet, first_tokens: Mapping[float, float], since: str) -> list[tuple[str, str]]:
    """Name and value of each line; `since` says which answers the first-token times are of."""
    oldest = "" if not fleet.queued else f", the oldest for {_number(fleet.oldest_s, 1)} s"
    times = ", ".join(f"p{share} {_number(quantile(share / 100, first_tokens), 2)} s" for share in _SHARES)
    of = f"{counted(first_tokens)} answers {since}"
    return [
        ("state", state_of(fleet)),
        ("workers", _number(fleet.workers)),
        ("queue", f"{_number(fleet.queued)} waiting{oldest}"),
        ("running", f"{_number(fleet.running)} jobs"),
        ("streams", f"{_number(fleet.streams)} open here"),
        ("first token", f"{times} ({of})" if counted(first_tokens) else f"no answers {since}"),
    ]


def in_one_line(fleet: Fleet, first_tokens: Mapping[float, float]) -> str:
    """`name=value`, with a dash for what is not known."""
    told = {name: value for name, value in fields(fleet, first_tokens).items() if name not in ("ready", "redis")}
    told.pop("draining")
    pairs = [f"{name}={_number(value)}" for name, value in told.items()]
    return " ".join([state_of(fleet).replace(" ", "_"), *pairs])


def _number(value: object, digits: int = 3) -> str:
    if value is None:
        return "-"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)
