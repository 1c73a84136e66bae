"""The states of a job and every change between them, as one table.

Invariant: `TRANSITIONS` is complete. The Lua scripts carry the changes out, and a law test drives each script
through each state and compares with this table; the diagram in `docs/protocol.md` is drawn from it.
Does not know: Redis, leases, time.
"""

from enum import StrEnum


class State(StrEnum):
    """What a user would say a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Change(StrEnum):
    """What can happen to a job. Each is one script, or one branch of one."""

    CLAIM = "claim"  # a worker takes it
    APPEND = "append"  # its worker writes frames without an ending
    COMPLETE = "complete"  # its worker writes the last frame, marked done
    FAIL = "fail"  # its worker writes the last frame, marked failed
    CANCEL = "cancel"  # someone asks for it, or nobody listens any more
    REQUEUE = "requeue"  # its lease ran out, or its worker gave it back, before any content
    LOSE = "lose"  # its lease ran out after content, or for the third time; its log lost frames
    TIME_OUT = "time_out"  # it waited in the queue for too long


TRANSITIONS: dict[tuple[State, Change], State] = {
    (State.QUEUED, Change.CLAIM): State.RUNNING,
    (State.QUEUED, Change.CANCEL): State.CANCELLED,
    (State.QUEUED, Change.TIME_OUT): State.FAILED,
    (State.RUNNING, Change.APPEND): State.RUNNING,
    (State.RUNNING, Change.COMPLETE): State.DONE,
    (State.RUNNING, Change.FAIL): State.FAILED,
    (State.RUNNING, Change.CANCEL): State.CANCELLED,
    (State.RUNNING, Change.REQUEUE): State.QUEUED,
    (State.RUNNING, Change.LOSE): State.FAILED,
}

ENDINGS = frozenset({State.DONE, State.FAILED, State.CANCELLED})


def after(state: State, change: Change) -> State:
    """The state that `change` leads to; the same state when it does not apply (it is then refused)."""
    return TRANSITIONS.get((state, change), state)


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    rows = [f"    {source} --> {target}: {change}" for (source, change), target in TRANSITIONS.items()]
    ends = [f"    {state} --> [*]" for state in State if state in ENDINGS]
    return "\n".join(["stateDiagram-v2", "    [*] --> queued: submit", *rows, *ends])
