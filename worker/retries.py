"""When an upstream call is worth repeating, as plain arithmetic.

Rules: only before content, which the caller knows; at most so many calls in all; while
the client's head is held only if the next call can start inside the hold, since otherwise its own status serves the
client better; a 429 without `retry-after` is the spend cap and never repeated.
Does not know: the SDK, time, the job.
"""

import random
from dataclasses import dataclass, field

_FIRST_S = 0.25
_LATER_S = 1.0
_REPEATED = ("upstream_unreachable", "upstream_cut", "upstream_stalled", "upstream_garbled")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the upstream answered instead of an answer: status, the headers that travel on, the body as it came."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class UpstreamFailed(Exception):
    """An upstream call that brought no usable answer. `code` is of `errors.CODES`.

    `paid`: the answer was complete, though useless; asking again would be paid for twice.
    """

    def __init__(self, code: str, message: str = "", refusal: Refusal | None = None, *, paid: bool = False) -> None:
        self.code = code
        self.message = message
        self.refusal = refusal
        self.paid = paid
        super().__init__(f"{code}: {message or (refusal and refusal.status)}")


def wait_before_retry_s(
    failed: UpstreamFailed, calls: int, *, most_calls: int, most_wait_s: float, hold_left_s: float, streams: bool
) -> float | None:
    """Seconds to wait before call number `calls + 1`; None if there must be none.

    `hold_left_s` ≤ 0 means that the head has been sent: then only a stream may still be retried, because a client
    that waits for one JSON answer can act on its status at any time.
    """
    if calls >= most_calls or not _repeatable(failed):
        return None
    asked_s = _retry_after_s(failed.refusal)
    wait_s = asked_s if asked_s is not None else _backoff_s(calls)
    if hold_left_s > 0:
        return wait_s if wait_s < hold_left_s else None
    return wait_s if streams and wait_s <= most_wait_s else None


def _repeatable(failed: UpstreamFailed) -> bool:
    if failed.refusal is None:
        return not failed.paid and failed.code in _REPEATED
    if failed.refusal.status == 429:
        return "retry-after" in failed.refusal.headers
    return failed.refusal.status >= 500


def _retry_after_s(refusal: Refusal | None) -> float | None:
    """The seconds that the upstream asks for; None when it does not, or in a form other than seconds."""
    try:
        return max(0.0, float(refusal.headers["retry-after"])) if refusal else None
    except (KeyError, ValueError):
        return None


def _backoff_s(calls: int) -> float:
    base_s = _FIRST_S if calls == 1 else _LATER_S
    return base_s * random.uniform(0.75, 1.25)  # noqa: S311 -- spreads load, keeps no secret
