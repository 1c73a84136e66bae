"""Waiting for facts: a probe is asked again until it answers, or the time is up. Many facts wait side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import TypeVar

_POLL_S = 0.01
_CASE_S = 40.0

T = TypeVar("T")


async def fact(probe: Callable[[], Awaitable[T | None]], within_s: float = 10.0) -> T:
    """The first answer of `probe` that is not None. Raises `AssertionError` when none comes within `within_s`."""
    deadline = monotonic() + within_s
    while True:
        found = await probe()
        if found is not None:
            return found
        assert monotonic() < deadline, f"{probe.__qualname__} did not come true within {within_s} s"
        await asyncio.sleep(_POLL_S)


async def true(probe: Callable[[], Awaitable[bool]], within_s: float = 10.0) -> None:
    """Wait until `probe` answers True. Raises as `fact`."""

    async def holds() -> bool | None:
        return await probe() or None

    holds.__qualname__ = probe.__qualname__
    await fact(holds, within_s)


async def until(probe: Callable[[], object], within_s: float = 10.0) -> None:
    """Wait until `probe`, which needs no waiting itself, answers something true. Raises as `fact`."""

    async def holds() -> bool:
        return bool(probe())

    holds.__qualname__ = probe.__qualname__
    await true(holds, within_s)


async def each(check: Callable[..., Awaitable[None]], cases: Mapping[str, tuple[object, ...]]) -> None:
    """Run a check on all cases side by side, each for at most 40 s.

    Raises an `ExceptionGroup` of the failures, each noting its case.
    """

    async def one(case: str) -> None:
        try:
            async with asyncio.timeout(_CASE_S):
                await check(*cases[case])
        except Exception as error:
            error.add_note(f"case: {case}")
            raise

    outcomes = await asyncio.gather(*map(one, cases), return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(cases)} cases", failures)
