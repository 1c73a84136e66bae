"""schemathesis against the document of a running gateway, in a process of its own, as its users start it.

Invariant: seed and number of cases decide what is generated; nothing of earlier runs is kept, and nothing is left
running. Does not know: what is checked (`hooks`), what is asked (the document, `schemathesis.toml`).
"""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.api import Api, body
from tests.support.cluster import Cluster, Ground, started
from tests.support.facts import until

KEY = "fuzz-key"
SEED = 20_261_121
_ROOT = Path(__file__).resolve().parents[2]
_CONFIG = Path(__file__).with_name("schemathesis.toml")
_ASSISTANTS = _ROOT / "deploy/assistants.toml"
_SETTINGS = {
    "SLUICE_API_KEYS": KEY,
    "SLUICE_KEEP_DETACHED_S": 600,
    "SLUICE_KEEP_ATTACHED_S": 60,
    "SLUICE_ASSISTANTS_FILE": _ASSISTANTS,
}
_LANES = {
    "whole": ("--phases", "examples,coverage,stateful"),
    "messages": ("--phases", "fuzzing", "--include-tag", "messages"),
    "chat": ("--phases", "fuzzing", "--include-tag", "chat"),
    "others": ("--phases", "fuzzing", "--exclude-tag", "messages", "--exclude-tag", "chat"),
}
_LAST_JOBS_S = 4.0  # less than a lease: what is lost must not be ended by a sweep meanwhile
_STORIES = 5  # a story is several calls that follow each other's links: one for so many cases of a single call

# Operation, such as "GET /v1/models" → status → number of answers.
Tally = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A cluster to ask, jobs that it knows (done, failed, cancelled, one that did not stream), and conversations."""

    cluster: Cluster
    jobs: list[str]
    conversations: list[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`exit_code` is 0 when no check failed; `said` is what schemathesis printed."""

    exit_code: int
    said: str
    tally: Tally


@contextmanager
def asked_cluster(ground: Ground) -> Iterator[Asked]:
    """A gateway that wants a key, a worker, and the simulator behind them."""
    with started(ground, workers=1, **_SETTINGS) as cluster:
        yield Asked(cluster, *asyncio.run(_known(cluster.url)))


async def _known(url: str) -> tuple[list[str], list[str]]:
    async with Api(url, KEY) as api:
        return await _known_jobs(api), await _known_conversations(api)


async def _known_jobs(api: Api) -> list[str]:
    done = await api.submit(body("text events=3"))
    failed = await api.submit(body() | {"model": "claude-unknown"})
    cancelled = await api.submit(body("stall"))
    await api.cancel(cancelled)
    whole = await api.send("POST", "/v1/messages", json=body(stream=False))
    for job_id in (done, failed, cancelled):
        await api.ended(job_id)
    return [done, failed, cancelled, whole.headers["sluice-job-id"]]


async def _known_conversations(api: Api) -> list[str]:
    begun = [await api.send("POST", "/v1/conversations", json=fields) for fields in ({}, {"assistant": "hr"})]
    ids = [response.json()["id"] for response in begun]
    for conversation_id in ids:
        said = await api.send("POST", f"/v1/conversations/{conversation_id}/messages", json={"message": "Why?"})
        await api.ended(said.json()["id"])
    return ids


def fuzz(asked: Asked, directory: Path, cases: int, seed: int = SEED) -> Outcome:
    """Ask, so many cases an endpoint, in lanes side by side: making up what to ask takes most of the time."""
    for name, ids in (("jobs", asked.jobs), ("conversations", asked.conversations)):
        (directory / f"{name}.txt").write_text("".join(f'"{known}"\n' for known in ids))
    config = Path(shutil.copy(_CONFIG, directory))  # a dictionary's file is looked for beside it
    with config.open("a") as text:
        text.write(f"\n[phases.stateful.generation]\nmax-examples = {max(1, cases // _STORIES)}\n")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--no-color", "--config-file", str(config)),
        *("run", f"{asked.cluster.url}/openapi.json", "--max-examples", str(cases), "--seed", str(seed)),
    ]
    with ThreadPoolExecutor(len(_LANES)) as lanes:
        ran = list(lanes.map(lambda lane: _run([*command, *_LANES[lane]], directory / lane), _LANES))
    tally: Tally = {}
    for outcome in ran:
        for operation, answers in outcome.tally.items():
            tally[operation] = dict(Counter(tally.get(operation, {})) + Counter(answers))
    return Outcome(max(outcome.exit_code for outcome in ran), "\n".join(outcome.said for outcome in ran), tally)


def _run(command: list[str], directory: Path) -> Outcome:
    directory.mkdir()
    tally = directory / "tally.json"
    told = {"SLUICE_FUZZ_KEY": KEY, "SLUICE_FUZZ_TALLY": str(tally), "PYTHONPATH": str(_ROOT)}
    done = subprocess.run(
        command, cwd=directory, env=os.environ | told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    counted = json.loads(tally.read_text()) if tally.exists() else {}
    return Outcome(done.returncode, done.stdout.decode(errors="replace"), counted)


def left_behind(asked: Asked) -> list[str]:
    """What should not be there after a run: unforeseen errors in a log, jobs that were lost, and jobs without end.

    The last calls may have begun some, which have time to end.
    """
    with contextlib.suppress(AssertionError):
        asyncio.run(until(lambda: not _without_end(asked), _LAST_JOBS_S))
    processes = (*asked.cluster.gateways, *asked.cluster.workers)
    return [one.name for one in processes if re.search("Traceback|_lost", one.log)] + _without_end(asked)


def _without_end(asked: Asked) -> list[str]:
    with asked.cluster.ground.client() as server:
        there = {key: server.zcard(f"{asked.cluster.prefix}{key}") for key in ("queue", "leases")}
    return [f"{number} in {key}" for key, number in there.items() if number]
