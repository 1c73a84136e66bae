"""The clients that run in Node: the official TypeScript SDK, plain `fetch`, and an EventSource.

Invariant: `npm ci --prefix tests/node` brings all that they need.
Does not know: how a driver is run.
"""

import shutil
from pathlib import Path

from tests.clients.roster import Client, Driver

_KINDS = ("message", "stream", "tool_loop", "cancel", "parallel", "count_tokens", "models", "model")
_ROOT = Path(__file__).resolve().parents[3]
_NEEDS = "needs node and `npm ci` in tests/node"
_WAITS = "a detached job repeats such a call for longer than a test may wait"
_HAS_RETRIED = "`fetch` repeats no call"


def _ready() -> bool:
    return shutil.which("node") is not None and (_ROOT / "tests" / "node" / "node_modules" / "eventsource").exists()


def _driver(file: str, *clients: Client) -> Driver:
    return Driver(("node", f"tests/clients/node/{file}"), clients, _NEEDS, _ready)


def _all_but(reason: str, *kinds: str) -> dict[str, str]:
    return {kind: reason for kind in _KINDS if kind not in kinds}


DRIVERS = (
    _driver(
        "anthropic.mjs",
        Client("@anthropic-ai/sdk create"),
        Client(
            "@anthropic-ai/sdk stream",
            cannot_kinds=_all_but("the helper is for streams alone", "stream", "tool_loop", "cancel", "parallel"),
        ),
        Client("@anthropic-ai/sdk beta", cannot_kinds={"cancel": "it is left as any stream of the SDK is"}),
    ),
    _driver("fetch.mjs", Client("fetch", {"429, then an answer": _HAS_RETRIED, "529, then a stream": _HAS_RETRIED})),
    _driver(
        "eventsource.mjs",
        Client(
            "eventsource",
            {
                "529, then a stream": _HAS_RETRIED,
                "429*, streamed": _WAITS,
                "5*, streamed": _WAITS,
            },
            _all_but("an EventSource only follows a stream", "stream"),
        ),
    ),
)
