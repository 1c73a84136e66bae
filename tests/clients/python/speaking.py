"""The Python drivers' side of the contract in ../README.md: read the cases, run them side by side, print the outcomes.

Invariant: each case has one line, whatever happens in it; lines are whole.
Does not know: any client.
"""

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

KEY = "client-key"
LIMIT_S = 30.0
_AT_ONCE = 32

Asked = dict[str, Any]
Outcome = dict[str, Any]
Do = Callable[[Asked, Outcome], None]
"""Runs a case and fills the outcome as it goes. Whatever it raises is the case's error."""


def speak(clients: Mapping[str, Do], failure: Callable[[Exception], Outcome]) -> None:
    """Run what stdin asks for. `failure` tells an exception as the contract's `error` and what belongs to it."""
    cases = json.load(sys.stdin)["cases"]
    printing = threading.Lock()

    def run(asked: Asked) -> None:
        outcome: Outcome = {}
        try:
            clients[asked["client"]](asked, outcome)
        except Exception as error:
            outcome |= failure(error)
        with printing:
            print(json.dumps({"id": asked["id"], "outcome": outcome}), flush=True)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(run, cases))


def plain_failure(error: Exception) -> Outcome:
    """An exception of which nothing special is known."""
    return {"error": {"class": type(error).__name__, "message": str(error)}}


class Loop:
    """An event loop in a thread of its own, for clients that want one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run it there, and wait for its end."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


def side_by_side(work: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    """The results for all items, worked on at once in threads."""
    with ThreadPoolExecutor(len(items)) as pool:
        return list(pool.map(work, items))
