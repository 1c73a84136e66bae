"""Faults by intent: ids that are not one's own, and input that is broken at random.

Does not know: how a run is judged.
"""

import asyncio
import json
import string
from collections import Counter
from collections.abc import Awaitable, Callable
from random import Random

from tests.faults.checker import Rules
from tests.faults.clients import KEY, message
from tests.faults.history import Response
from tests.faults.run import Run
from tests.faults.wire import call

_AT_ONCE = 16
_ALPHABET = string.ascii_letters + string.digits + "-_"
_VERSION = {"anthropic-version": "2023-06-01"}
_ADDRESSES = (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("DELETE", ""))
_ANSWERED_S = 10.0
_BYTES = bytes(range(256))
_VALUES: tuple[object, ...] = (
    None, True, -1, 1.5, 10**400, "", "\ud800", "x" * 5000, [], {}, [[[]]], [None], {"a": [1]}, "\x00"
)  # fmt: skip


async def foreign_ids(run: Run) -> None:
    """Jobs of another key and jobs that never were: the same 404, byte for byte but for the request id."""
    async with run.house() as (house, crowd):
        await house.start(1, 1)
        mine = [crowd.ask("text events=10 tps=0", detached=True) for _ in range(20)]
        await crowd.finish()
        foreign = [client.stream.job_id for client in mine]
        told: Counter[tuple[str, int, str]] = Counter()

        async def ask(_: int) -> None:
            theirs = run.rng.random() < 0.5
            random_id = "job_" + "".join(run.rng.choices(_ALPHABET, k=22))
            job_id = run.rng.choice(foreign) if theirs else random_id
            method, tail = run.rng.choice(_ADDRESSES)
            headers = {"x-api-key": "a-stranger", **_VERSION}
            response = await call(house.choose(), method, f"/v1/jobs/{job_id}{tail}", headers)
            told[(method + tail, response.status, _without_id(response))] += 1
            run.inject("a foreign id" if theirs else "a random id", job_id)

        await _many(run.size.streams, ask)
        for method_tail in {what for what, _, _ in told}:
            said = {(status, body) for what, status, body in told if what == method_tail}
            run.demand(len(said) == 1 and {status for status, _ in said} == {404}, f"{method_tail}: {sorted(said)[:3]}")
        run.notes["calls"] = sum(told.values())
        await run.conclude(house, Rules())


def _without_id(response: Response) -> str:
    try:
        body = json.loads(response.body)
    except ValueError:
        return repr(response.body)
    body.pop("request_id", None)
    return json.dumps(body)


async def malformed(run: Run) -> None:
    """Bodies, headers, paths and queries broken at random: answered every time, never with a 5xx, nobody dies."""
    async with run.house(SLUICE_UPSTREAM_IDLE_S=2) as (house, crowd):
        await house.start(1, 1)
        told: Counter[str] = Counter()

        async def ask(_: int) -> None:
            method, path, headers, body = _broken(run.rng)
            run.inject("malformed input", "")
            try:
                async with asyncio.timeout(_ANSWERED_S):
                    response = await call(house.choose(), method, path, headers, body)
            except TimeoutError:
                told["not answered"] += 1
                run.demand(False, f"not answered: {method} {path!r} {headers} {body[:200]!r}")
                return
            told[f"{response.status // 100}xx" if response.status else "closed"] += 1
            run.demand(response.status < 500, f"{response.status}: {method} {path!r} {headers} {body[:200]!r}")

        await _many(run.size.streams, ask)
        crowd.ask("text events=10 tps=0")
        await crowd.finish()
        run.notes |= {f"answered {what}": count for what, count in sorted(told.items())}
        await run.conclude(house, Rules())
        for process in house.cluster.gateways + house.cluster.workers:
            run.demand("Traceback" not in process.log, f"{process.name} logged a traceback")


async def _many(count: int, ask: Callable[[int], Awaitable[None]]) -> None:
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            await ask(number)

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))


def _broken(rng: Random) -> tuple[str, str, dict[str, str], bytes]:
    """A good call with one thing broken."""
    method, path = rng.choice((("POST", "/v1/messages"), ("POST", "/v1/jobs"), ("GET", "/v1/jobs/{}/events")))
    path = path.format("job_" + "".join(rng.choices(_ALPHABET, k=22)))
    headers = {"x-api-key": KEY, **_VERSION}
    body = json.dumps(message("text events=3 tps=0", f"malformed-{rng.random()}")).encode() if method == "POST" else b""
    what = rng.choice((*(("body", "value") if body else ()), "header", "path", "query"))
    if what == "body":
        body = _bytes_broken(rng, body)
    elif what == "value":
        body = _value_broken(rng, body)
    elif what == "header":
        names = ("last-event-id", "x-api-key", "authorization", "anthropic-version", "anthropic-beta", "content-type",
                 "idempotency-key", "x-stainless-retry-count", "accept", "origin")  # fmt: skip
        headers[rng.choice(names)] = _words(rng)
    elif what == "path":
        path += "/" + _quoted(rng)
    else:
        path += "?" + rng.choice(("after", "beta", "q", "limit")) + "=" + _quoted(rng)
    return method, path, headers, body


def _bytes_broken(rng: Random, body: bytes) -> bytes:
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(body) + 1)
        cut = rng.randint(0, 8)
        body = body[:at] + bytes(rng.choices(_BYTES, k=rng.randint(0, 4))) + body[at + cut :]
    return body


def _value_broken(rng: Random, body: bytes) -> bytes:
    fields = json.loads(body)
    fields[rng.choice([*fields, "stream", "system", "tools", "metadata"])] = rng.choice(_VALUES)
    return json.dumps(fields).encode()


def _words(rng: Random) -> str:
    return "".join(chr(rng.choice((*range(32, 127), *range(0xA1, 0x17F)))) for _ in range(rng.randint(0, 60)))


def _quoted(rng: Random) -> str:
    return "".join(f"%{rng.randrange(256):02x}" if rng.random() < 0.5 else rng.choice(_ALPHABET) for _ in range(12))
