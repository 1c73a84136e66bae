"""One answer over as many connections as it takes.

Invariant: a job's events arrive once and in order, up to the ending. A connection that breaks is followed up from the
last position (`Last-Event-ID`), at most `TRIES` times without a new event in between; the request itself is never
sent twice, since that could be paid for twice.
Does not know: what the events mean, but for those that end a stream or only a connection.
"""

import contextlib
import json
import time
from collections.abc import Callable, Generator
from typing import Self
from urllib.parse import quote

import httpx2

from cli.answer import AnswerError
from cli.refused import refusal

# Their pauses last 21 s together: a gateway that was killed counts as a listener for 25 s, and so long its jobs live.
TRIES = 10
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 3.0
_CANCEL_S = 2.0
_EVENT_BYTES = 8 << 20
_ENDINGS = ("message_stop", "error")
# What a gateway says of itself, and no log holds: another one, or the same a moment later, goes on.
_PASSING = ("draining", "redis_unavailable")

Events = Generator[httpx2.ServerSentEvent, None, None]


class Unreachable(Exception):
    """The server cannot be reached, or not any more; the message is for the user."""


class Stream:
    """Iterate over it once, inside its context. `job` and `position` say how far it has come.

    To leave the context before the ending cancels the job if the stream is `owned`: its answer has no other reader.
    """

    def __init__(self, http: httpx2.Client, request: httpx2.Request, note: Callable[[str], None]) -> None:
        """`note` is told of each break that is about to be followed up."""
        self.job = ""
        self.position = ""
        self.owned = False
        self._ended = False
        self._http = http
        self._request = request
        self._note = note
        self._server = str(http.base_url).rstrip("/")
        self._broken_by = ""
        self._reading: Events | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._reading:
            self._reading.close()
        # An answer that cannot be had any more needs no cancel, and a server that is away hears of none.
        if self.owned and self.job and not self._ended and kind not in (AnswerError, Unreachable):
            self._cancel()

    def __iter__(self) -> Events:
        """Raises AnswerError if the call is refused or its rest is gone, Unreachable if there is no connection, or
        none any more after `TRIES`."""
        self._reading = self._events()
        return self._reading

    def _events(self) -> Events:
        yield from self._read(self._request)
        tries = 0
        while not self._ended:
            if tries == TRIES or not self.job:
                raise Unreachable(self._given_up(tries))
            self._note(f"connection lost ({self._broken_by}), resuming: try {tries + 1} of {TRIES}")
            time.sleep(min(_FIRST_PAUSE_S * 2.0**tries, _LONGEST_PAUSE_S))
            before = self.position
            yield from self._read(self._follow_up())
            tries = tries + 1 if self.position == before else 0

    def _given_up(self, tries: int) -> str:
        lost = f"lost the connection to {self._server} in mid-answer: {self._broken_by}"
        further = f"; gave up after {tries} tries, go on with: sluice follow {self.position or self.job}"
        return lost + further if self.job else lost

    def _follow_up(self) -> httpx2.Request:
        headers = {"last-event-id": self.position} if self.position else {}
        return self._http.build_request("GET", events_path(self.job), headers=headers)

    def _read(self, request: httpx2.Request) -> Events:
        """What one connection brings; returns when it breaks, `_broken_by` says why."""
        self._broken_by = "it ended too early"
        try:
            response = self._http.send(request, stream=True)
            with contextlib.closing(response):
                if self._streams(response):
                    yield from self._events_of(response)
        except httpx2.SSEError as error:
            raise AnswerError(f"{self._server} does not speak like a Sluice: {error}") from error
        except httpx2.RequestError as error:
            self._broken_by = str(error) or type(error).__name__
            if not self.job:
                raise Unreachable(f"cannot reach {self._server}: {self._broken_by}") from error

    def _events_of(self, response: httpx2.Response) -> Events:
        self.job = response.headers.get("sluice-job-id", self.job)
        for event in httpx2.EventSource(response, _EVENT_BYTES):
            self.position = event.id or self.position
            if event.event == "error" and self.job and (code := _passing(event.data)):
                self._broken_by = code
                return
            self._ended = event.event in _ENDINGS
            yield event
            if self._ended:
                return

    def _streams(self, response: httpx2.Response) -> bool:
        """Whether it does; False if a follow-up met a trouble that may pass. Raises AnswerError for others."""
        if response.status_code == 200:
            return True
        if response.status_code == 204:
            raise AnswerError("the answer is over: the server has nothing more of it")
        refused = refusal(response)
        if self.job and (response.status_code == 429 or response.status_code >= 500):
            self._broken_by = refused
            return False
        raise AnswerError(refused)

    def _cancel(self) -> None:
        """Best done at once; a job that nobody listens to is cancelled by the server some seconds later, too."""
        with contextlib.suppress(httpx2.RequestError):
            self._http.post(cancel_path(self.job), timeout=_CANCEL_S)


def events_path(job: str) -> str:
    """Where a job is followed."""
    return f"{job_path(job)}/events"


def cancel_path(job: str) -> str:
    """Where a job is cancelled."""
    return f"{job_path(job)}/cancel"


def job_path(job: str) -> str:
    """Where a job is looked at."""
    return f"/v1/jobs/{quote(job, safe='')}"


def _passing(data: str) -> str:
    """The error code if it is of those that pass, else nothing."""
    try:
        code = json.loads(data)["error"]["details"]["error_code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(code) if code in _PASSING else ""
