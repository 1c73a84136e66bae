"""Running a driver, once for all its cases, against both targets; and what the simulators were asked meanwhile.

Invariant: a driver gets the same cases for both targets; it has ended, or was killed, when `run` returns.
Does not know: what a client is, how outcomes are judged.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.clients.cases import CASES, Case, asked
from tests.clients.roster import Client, Driver

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 100.0
_INHERITED = ("PATH", "HOME", "PYTHONPATH")
_IDS = re.compile(r"(msg|toolu|srvtoolu|req)_01[0-9A-Za-z]{22}")

Outcome = dict[str, Any]


@dataclass(frozen=True)
class Targets:
    """Where the cases go: to a simulator at once, or to a gateway, `waiting` for those that are meant to wait.

    `upstream_url` is the simulator behind the gateways; it is not the one at `direct_url`, so that each tells apart
    what it was asked.
    """

    direct_url: str
    gateway_url: str
    waiting_url: str
    upstream_url: str

    def through(self, case: Case) -> str:
        return self.waiting_url if case.waits else self.gateway_url


@dataclass(frozen=True)
class Ran:
    """What came of a driver's cases, by `direct …` or `through …` and the case's label."""

    outcomes: dict[str, Outcome]
    calls: dict[str, list[dict[str, Any]]]


def label(client: Client, case: Case) -> str:
    """Finds the upstream calls of a client's case."""
    return f"{client.name}: {case.name}"


def run(driver: Driver, targets: Targets) -> Ran:
    """Raises `AssertionError` if the driver is defective."""
    outcomes = _outcomes(driver, targets)
    calls: dict[str, list[dict[str, Any]]] = {name: [] for name in outcomes}
    for target, url in (("direct", targets.direct_url), ("through", targets.upstream_url)):
        for call in asked_of(url):
            if (name := f"{target} {call['label']}") in calls:
                calls[name].append(call)
    return Ran(outcomes, calls)


def _outcomes(driver: Driver, targets: Targets) -> dict[str, Outcome]:
    asking = list(_asking(driver, targets))
    done = subprocess.run(
        driver.command,
        cwd=ROOT,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ} | {"PYTHONUTF8": "1"},
        input=json.dumps({"cases": asking}).encode(),
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )
    said = f"{' '.join(driver.command)} ended with {done.returncode}:\n{done.stderr.decode(errors='replace')[-4000:]}"
    assert done.returncode == 0, said
    told = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
    assert sorted(line["id"] for line in told) == sorted(case["id"] for case in asking), said
    return {line["id"]: json.loads(_IDS.sub(r"\1_…", json.dumps(line["outcome"]))) for line in told}


def _asking(driver: Driver, targets: Targets) -> Iterator[dict[str, Any]]:
    for client in driver.clients:
        for case in CASES:
            if client.reason_against(case.name, case.kind) is None:
                name = label(client, case)
                fields = {"client": client.name, **asked(case, name)}
                yield {"id": f"direct {name}", "base_url": targets.direct_url, **fields}
                yield {"id": f"through {name}", "base_url": targets.through(case), **fields}


def asked_of(simulator_url: str, **query: str) -> list[dict[str, Any]]:
    """The calls that a simulator has had, in the order of their arrival; those with a `label` if one is given."""
    url = f"{simulator_url}/simulator/calls"
    response = httpx2.get(url, params={"limit": "10000", **query}, trust_env=False, verify=False)
    calls: list[dict[str, Any]] = response.json()
    return calls
