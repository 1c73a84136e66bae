"""How long a client waits for bytes before it gives up."""

import math

from starlette.datastructures import Headers


def patience_s(headers: Headers) -> float:
    """What Anthropic's SDKs say of their timeout in `x-stainless-timeout`; for ever if they say nothing sensible.

    A head that is held, and silence between pings, must stay well within it.
    """
    try:
        seconds = float(headers.get("x-stainless-timeout", ""))
    except ValueError:  # the SDKs also send NOT_GIVEN
        return math.inf
    return seconds if seconds > 0 else math.inf
