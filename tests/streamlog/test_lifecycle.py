"""The table of states: complete, and with one way out of nothing that has ended."""

from streamlog.lifecycle import ENDINGS, TRANSITIONS, Change, State, after, diagram


def test_nothing_leads_out_of_an_ending() -> None:
    """A job has one ending."""
    for state in ENDINGS:
        assert all(after(state, change) is state for change in Change)


def test_every_state_is_reached_and_every_ending_too() -> None:
    """From the submit on, the table leads to each state."""
    reached = {State.QUEUED}
    for _ in State:
        reached |= {target for (source, _), target in TRANSITIONS.items() if source in reached}
    assert reached == set(State)


def test_every_change_happens_somewhere() -> None:
    """No word without a meaning."""
    assert {change for _, change in TRANSITIONS} == set(Change)


def test_a_change_that_does_not_apply_is_refused() -> None:
    """The state stays as it is."""
    assert after(State.QUEUED, Change.COMPLETE) is State.QUEUED
    assert after(State.RUNNING, Change.TIME_OUT) is State.RUNNING
    assert after(State.RUNNING, Change.COMPLETE) is State.DONE


def test_the_diagram_draws_each_row_once() -> None:
    """Begin, every transition, every ending: nothing else."""
    begin, *lines = diagram().splitlines()
    arrows = [f"{source} --> {target}: {change}" for (source, change), target in TRANSITIONS.items()]
    ends = [f"{state} --> [*]" for state in ENDINGS]
    assert begin == "stateDiagram-v2"
    assert sorted(line.strip() for line in lines) == sorted(["[*] --> queued: submit", *arrows, *ends])
