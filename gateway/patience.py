"""How long a client waits for bytes before it gives up."""

import math

from starlette.datastructures import Headers

_LEAST_S = 1.0


def patience_s(headers: Headers) -> float:
    """What Anthropic's SDKs say of their timeout in `x-stainless-timeout`; for ever if they say nothing sensible.

    A head that is held, and silence between pings, must stay well within it. At least a second, so that nobody is
    pinged without end.
    """
    try:
        seconds = float(headers.get("x-stainless-timeout", ""))
    except ValueError:  # the SDKs also send NOT_GIVEN
        return math.inf
    return max(seconds, _LEAST_S) if seconds > 0 else math.inf
