"""When all is ready: every URL of a list answers 200, and says what it has to say.

Invariant: each question has a limit, and so has the whole; the last answer is told when the limit is over.
Does not know: who answers.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx2

from cli.command import CannotGoOn

_ASK_S = 3.0
_POLL_S = 0.05


@dataclass(frozen=True)
class Ready:
    """A URL that has to answer 200, and the least that fields of its JSON have to say."""

    url: str
    least: Mapping[str, int]


async def wait_until_ready(all_of: Sequence[Ready], limit_s: float) -> None:
    """Return when all are ready. Raises CannotGoOn after `limit_s`."""
    deadline = time.monotonic() + limit_s
    # No proxy of the environment: these are addresses of this machine.
    async with httpx2.AsyncClient(timeout=_ASK_S, trust_env=False) as client:
        for one in all_of:
            while lacking := await _lacking(client, one):
                if time.monotonic() >= deadline:
                    raise CannotGoOn(f"Not ready after {limit_s:g} s: {one.url} {lacking}.")
                await asyncio.sleep(_POLL_S)


async def _lacking(client: httpx2.AsyncClient, one: Ready) -> str:
    """What is still missing, or nothing."""
    try:
        response = await client.get(one.url)
    except httpx2.HTTPError as error:
        return f"does not answer ({type(error).__name__})"
    if response.status_code != 200:
        return f"answers {response.status_code}: {response.text[:200]}"
    state = _numbers(response)
    low = [f"{name} is {state.get(name)}" for name, least in one.least.items() if state.get(name, 0) < least]
    return f"says that {', '.join(low)}" if low else ""


def _numbers(response: httpx2.Response) -> dict[str, int]:
    """The fields of its JSON that are numbers; none if it is something else."""
    try:
        fields = response.json()
    except ValueError:
        return {}
    return {name: value for name, value in fields.items() if isinstance(value, int)} if isinstance(fields, dict) else {}
