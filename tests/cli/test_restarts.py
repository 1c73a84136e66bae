import signal

from cli.restarts import LONGEST_PAUSE_S, QUICK_DEATHS, QUICK_S, Restarts, death


def test_the_pause_grows_from_death_to_death() -> None:
    """Each quick death doubles the wait before the next start."""
    restarts = Restarts()
    assert [restarts.pause_s(0.1) for _ in range(4)] == [0.2, 0.4, 0.8, 1.6]


def test_it_gives_up_after_many_quick_deaths_in_a_row() -> None:
    """The fifth quick death is the last."""
    restarts = Restarts()
    pauses = [restarts.pause_s(QUICK_S - 0.1) for _ in range(QUICK_DEATHS)]
    assert None not in pauses[:-1]
    assert pauses[-1] is None


def test_a_long_life_makes_earlier_deaths_forgotten() -> None:
    """Four quick deaths, a long life, and it may die four times again, from the shortest pause."""
    restarts = Restarts()
    for _ in range(QUICK_DEATHS - 1):
        restarts.pause_s(0)
    assert restarts.pause_s(QUICK_S) == 0.2
    assert [restarts.pause_s(0) for _ in range(QUICK_DEATHS - 1)] == [0.2, 0.4, 0.8, 1.6]


def test_a_process_that_dies_now_and_then_is_never_given_up() -> None:
    """Only deaths soon after the start count, and no pause is longer than the longest."""
    restarts = Restarts()
    assert all((restarts.pause_s(QUICK_S + 1) or 99) <= LONGEST_PAUSE_S for _ in range(100))


def test_a_death_is_told_in_words() -> None:
    """Exit codes as numbers, signals by name, also those without one."""
    assert death(3) == "exit code 3"
    assert death(-signal.SIGKILL) == "killed by SIGKILL"
    assert death(-99) == "killed by signal 99"
