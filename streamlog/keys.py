"""Every Redis key, named once, for Python and for the scripts.

Invariant: no other file spells a key. The scripts get the names as a Lua prelude made from the same table, so a
call carries no keys on the wire (`docs/decisions/0001-keys-in-the-prelude.md` says why).
Does not know: what the keys hold.
"""

import re
from enum import StrEnum

_PREFIX = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class Lane(StrEnum):
    """Which queue a job waits in; completes the queue's keys. Light calls (counting, listing) take a moment, and must
    not wait behind those that generate."""

    WORK = ""
    LIGHT = ":light"


# Fleet-wide keys; those marked with "lane" are completed by one.
_FLEET = {
    "QUEUE": "queue",  # lane; sorted set: job id by Redis time of its submit, in microseconds
    "LEASES": "leases",  # sorted set: job id by the end of its lease, in milliseconds
    "CHECKS": "checks",  # sorted set: queued job id by when the sweep must look at it, in milliseconds
    "BELL": "bell",  # lane; list: at most 64 tokens without meaning, that idle workers block on
    "NUDGES": "nudges:",  # completed by a worker; list: one token that tells it to ask what is still its own
    "WORKERS": "workers",  # sorted set: worker by when it last swept, in milliseconds
    "QUEUED_BYTES": "queued-bytes",  # lane; bodies waiting in the queue
    "TOKEN_SECRET": "token-secret",  # what follow tokens are signed with, if no gateway was told another one
}
# Keys of one job, completed by its id.
_OF_JOB = {
    "RECORD": "job:",  # hash
    "BODY": "body:",  # the request body, byte for byte
    "LOG": "log:",  # stream: an entry a chunk, its id the position of the last frame
    "CHANNEL": "live:",  # pub/sub: the same chunks
    "WATCH": "watch:",  # hash: gateway -> until when it watches, in milliseconds
}
# Keys of one conversation, completed by its id.
_OF_CONVERSATION = {
    # hash: owner, title, assistant, times, turns (how many), job (the last); of turn n said:n, by:n (its job), answer:n
    "CONVERSATION": "conversation:",
}
# Keys of one owner, completed by the owner.
_OF_OWNER = {
    "OWNED": "owned:",  # sorted set: the owner's newest jobs by the Redis time of their submit, in microseconds
    "LIVE": "live-of:",  # sorted set: the jobs of an owner with a limit of them, while they wait or run; same scores
    "CONVERSATIONS": "conversations:",  # sorted set: the newest conversations by when they were last updated, in µs
    "BUDGET": "budget:",  # hash: when a budget will be full again, in microseconds of Redis time
}
# Keys that find a job; completed by a digest.
_TO_A_JOB = {
    "TWINS": "twins:",  # sorted set: jobs of one fingerprint that have not ended, by the time of their submit
    "IDEMPOTENT": "idempotent:",  # hash: the job and the fingerprint that an Idempotency-Key stands for
}
# arq's own names are fixed; the random job id makes them safe beside other deployments.
_OF_ARQ = {"ARQ_JOB": "arq:job:", "ARQ_PROGRESS": "arq:in-progress:", "ARQ_RETRY": "arq:retry:"}


class Keys:
    """The keys of one deployment. Raises `ValueError` for a prefix that is not 1 to 64 of `A-Za-z0-9_.:-`."""

    def __init__(self, prefix: str = "sluice:") -> None:
        if not _PREFIX.fullmatch(prefix):
            raise ValueError(f"the key prefix {prefix[:80]!r} is not 1 to 64 characters of A-Z a-z 0-9 _ . : -")
        self.prefix = prefix
        self._names = {
            name: prefix + tail for name, tail in (_FLEET | _OF_JOB | _OF_CONVERSATION | _OF_OWNER | _TO_A_JOB).items()
        } | _OF_ARQ
        self.queue = self._names["QUEUE"]
        self.leases = self._names["LEASES"]
        self.checks = self._names["CHECKS"]
        self.bell = self._names["BELL"]
        self.workers = self._names["WORKERS"]
        self.queued_bytes = self._names["QUEUED_BYTES"]
        self.token_secret = self._names["TOKEN_SECRET"]
        self._channel = self._names["CHANNEL"].encode()

    def record(self, job_id: str) -> str:
        return self._names["RECORD"] + job_id

    def body(self, job_id: str) -> str:
        return self._names["BODY"] + job_id

    def log(self, job_id: str) -> str:
        return self._names["LOG"] + job_id

    def watch(self, job_id: str) -> str:
        return self._names["WATCH"] + job_id

    def arq_job(self, job_id: str) -> str:
        return self._names["ARQ_JOB"] + job_id

    def arq_retry(self, job_id: str) -> str:
        return self._names["ARQ_RETRY"] + job_id

    def nudges(self, worker: str) -> str:
        return self._names["NUDGES"] + worker

    def owned(self, owner: str) -> str:
        return self._names["OWNED"] + owner

    def live(self, owner: str) -> str:
        return self._names["LIVE"] + owner

    def budget(self, owner: str) -> str:
        return self._names["BUDGET"] + owner

    def conversation(self, conversation_id: str) -> str:
        return self._names["CONVERSATION"] + conversation_id

    def conversations(self, owner: str) -> str:
        return self._names["CONVERSATIONS"] + owner

    def twins(self, fingerprint: str) -> str:
        return self._names["TWINS"] + fingerprint

    def idempotent(self, digest: str) -> str:
        return self._names["IDEMPOTENT"] + digest

    def channel(self, job_id: str) -> bytes:
        return self._channel + job_id.encode()

    def lua(self) -> str:
        """The same names as Lua locals, to stand before each script."""
        lanes = ", ".join(f"'{lane}'" for lane in Lane)
        names = "".join(f"local {name} = '{key}'\n" for name, key in self._names.items())
        return f"{names}local LANES = {{{lanes}}}\n"
