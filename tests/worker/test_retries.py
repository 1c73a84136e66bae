"""worker/retries.py: when an upstream call is repeated, one rule a test."""

import pytest

from worker.retries import Refusal, UpstreamFailed, wait_before_retry_s


def refused(status: int, **headers: str) -> UpstreamFailed:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return UpstreamFailed("upstream_error", refusal=Refusal(status, named))


def wait_s(
    failed: UpstreamFailed, calls: int = 1, *, hold_left_s: float = 5.0, streams: bool = True, most_wait_s: float = 30.0
) -> float | None:
    """The rule, with the settings' defaults."""
    return wait_before_retry_s(
        failed, calls, most_calls=3, most_wait_s=most_wait_s, hold_left_s=hold_left_s, streams=streams
    )


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
def test_a_server_error_is_repeated_soon(status: int) -> None:
    """The first repeat starts after about a quarter of a second."""
    wait = wait_s(refused(status))
    assert wait is not None and 0.18 < wait < 0.32


@pytest.mark.parametrize("code", ["upstream_unreachable", "upstream_cut", "upstream_stalled", "upstream_garbled"])
def test_a_broken_call_is_repeated(code: str) -> None:
    """A connection error, and a cut or a stall before content, are worth another call."""
    assert wait_s(UpstreamFailed(code)) is not None


def test_a_useless_answer_that_was_complete_is_not_repeated() -> None:
    """It would be paid for twice."""
    assert wait_s(UpstreamFailed("upstream_garbled", paid=True)) is None


def test_an_answer_too_large_is_not_repeated() -> None:
    """It would be as large again."""
    assert wait_s(UpstreamFailed("answer_too_large")) is None


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 408, 409, 413, 422])
def test_a_client_error_is_never_repeated(status: int) -> None:
    """Asking the same again does not help, not even with `retry-after`."""
    assert wait_s(refused(status, retry_after="0")) is None


def test_a_429_without_retry_after_is_never_repeated() -> None:
    """It is the spend cap."""
    assert wait_s(refused(429)) is None


def test_a_429_with_retry_after_is_repeated_when_it_says() -> None:
    """Its own figure is kept, to the fraction of a second."""
    assert wait_s(refused(429, retry_after="1.5")) == 1.5


def test_retry_after_of_a_server_error_is_kept() -> None:
    """The upstream's word comes before our own backoff."""
    assert wait_s(refused(529, retry_after="2")) == 2.0


@pytest.mark.parametrize("text", ["Wed, 21 Oct 2026 07:28:00 GMT", "soon", ""])
def test_retry_after_in_another_form_means_our_own_backoff(text: str) -> None:
    """A date or a word is no figure of seconds."""
    wait = wait_s(refused(529, retry_after=text))
    assert wait is not None and 0.18 < wait < 0.32


def test_a_negative_retry_after_means_at_once() -> None:
    """There is no waiting backwards."""
    assert wait_s(refused(529, retry_after="-3")) == 0.0


@pytest.mark.parametrize("text", ["nan", "inf", "1e999"])
def test_retry_after_that_is_no_length_of_time_is_not_waited_for(text: str) -> None:
    """Neither NaN nor infinity reaches a sleep: no repeat, or one after our own backoff."""
    for hold_left_s in (5.0, 0.0):
        wait = wait_s(refused(529, retry_after=text), hold_left_s=hold_left_s)
        assert wait is None or 0 <= wait < 1.3


def test_the_second_repeat_waits_longer() -> None:
    """About a second, so that a burst has time to pass."""
    wait = wait_s(refused(529), calls=2)
    assert wait is not None and 0.74 < wait < 1.26


def test_there_are_three_calls_at_most() -> None:
    """After the last one the failure is the answer."""
    assert wait_s(refused(529), calls=3) is None


def test_while_the_head_is_held_a_repeat_must_start_inside_the_hold() -> None:
    """Otherwise the client is better served by the status itself."""
    assert wait_s(refused(429, retry_after="2"), hold_left_s=2.1) == 2.0
    assert wait_s(refused(429, retry_after="2"), hold_left_s=2.0) is None


def test_after_the_commit_a_stream_waits_up_to_the_limit() -> None:
    """The client gets pings meanwhile."""
    assert wait_s(refused(429, retry_after="29"), hold_left_s=0.0) == 29.0
    assert wait_s(refused(429, retry_after="31"), hold_left_s=0.0) is None


def test_after_the_hold_a_call_that_does_not_stream_is_not_repeated() -> None:
    """Its client can act on the status at any time."""
    assert wait_s(refused(529), hold_left_s=-1.0, streams=False) is None


def test_inside_the_hold_a_call_that_does_not_stream_is_repeated() -> None:
    """Until then both kinds are treated alike."""
    assert wait_s(refused(529), hold_left_s=5.0, streams=False) is not None


def test_repeats_are_spread() -> None:
    """Workers that failed together do not come back together."""
    assert len({wait_s(refused(529)) for _ in range(20)}) > 10
