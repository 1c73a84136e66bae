"""A running Sluice, as the command line talks to it.

Invariant: a job's events arrive once and in order, up to the ending. A connection that breaks is followed up from the
last position (`Last-Event-ID`), at most `TRIES` times without a new event in between; the request itself is never
sent twice, since that could be paid for twice.
Does not know: what the events mean, but for the two that end a stream.
"""

import contextlib
import ipaddress
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx2

from cli.answer import AnswerError, described

TRIES = 6
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 3.0
_CONNECT_S = 5.0
_SILENCE_S = 60.0  # the gateway sends a ping at least every 10 s
_EVENT_BYTES = 8 << 20
_ERROR_BYTES = 64 << 10
_VERSION = "2023-06-01"
_ENDINGS = ("message_stop", "error")


class Unreachable(Exception):
    """The server cannot be reached, or not any more; the message is for the user."""


@dataclass
class _Place:
    """How far a stream has come."""

    job: str = ""
    position: str = ""
    ended: bool = False
    broken_by: str = "it ended too early"


class Client:
    """One server and one key. Use it as a context, so that its connections are closed."""

    def __init__(self, url: str, key: str = "") -> None:
        """Raises ValueError if `url` is not an http or https URL with a host."""
        base = _checked(url)
        self._url = url
        self._http = httpx2.Client(
            base_url=base,
            headers={"anthropic-version": _VERSION, **({"x-api-key": key} if key else {})},
            timeout=httpx2.Timeout(_SILENCE_S, connect=_CONNECT_S),
            trust_env=not _is_loopback(base.host),  # a proxy for the outside has no way to this machine's loopback
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def stream(self, body: Mapping[str, Any]) -> Iterator[httpx2.ServerSentEvent]:
        """The events of a Messages call, its ending last.

        Raises AnswerError if the call is refused or its rest is gone, Unreachable if there is no connection, or none
        any more after `TRIES`.
        """
        place = _Place()
        yield from self._read(self._http.build_request("POST", "/v1/messages", json={**body, "stream": True}), place)
        tries = 0
        while not place.ended:
            if tries == TRIES or not place.job:
                raise Unreachable(f"lost the connection to {self._url} in mid-answer: {place.broken_by}")
            time.sleep(min(_FIRST_PAUSE_S * 2.0**tries, _LONGEST_PAUSE_S))
            before = place.position
            yield from self._read(self._follow_up(place), place)
            tries = tries + 1 if place.position == before else 0

    def _follow_up(self, place: _Place) -> httpx2.Request:
        headers = {"last-event-id": place.position} if place.position else {}
        return self._http.build_request("GET", f"/v1/jobs/{quote(place.job, safe='')}/events", headers=headers)

    def _read(self, request: httpx2.Request, place: _Place) -> Iterator[httpx2.ServerSentEvent]:
        """What one connection brings; returns when it breaks, `place` says why."""
        try:
            response = self._http.send(request, stream=True)
            with contextlib.closing(response):
                if _streams(response, place):
                    yield from _events(response, place)
        except httpx2.SSEError as error:
            raise AnswerError(f"{self._url} does not speak like a Sluice: {error}") from error
        except httpx2.RequestError as error:
            place.broken_by = str(error) or type(error).__name__
            if not place.job:
                raise Unreachable(f"cannot reach {self._url}: {place.broken_by}") from error


def _events(response: httpx2.Response, place: _Place) -> Iterator[httpx2.ServerSentEvent]:
    place.job = response.headers.get("sluice-job-id", place.job)
    for event in httpx2.EventSource(response, _EVENT_BYTES):
        place.position = event.id or place.position
        place.ended = event.event in _ENDINGS
        yield event
        if place.ended:
            return


def _streams(response: httpx2.Response, place: _Place) -> bool:
    """Whether the answer streams; False if a follow-up met a trouble that may pass. Raises AnswerError for others."""
    if response.status_code == 200:
        return True
    if response.status_code == 204:
        raise AnswerError("the answer broke off, and the server has nothing more of it")
    refusal = f"{_refusal(response)} (HTTP {response.status_code})"
    if place.job and (response.status_code == 429 or response.status_code >= 500):
        place.broken_by = refusal
        return False
    raise AnswerError(refusal)


def _refusal(response: httpx2.Response) -> str:
    body = b""
    for part in response.iter_bytes():
        body += part
        if len(body) > _ERROR_BYTES:
            break
    try:
        fields = json.loads(body)
    except ValueError:
        fields = None
    return described(fields) if isinstance(fields, dict) else "the server refused"


def _checked(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"{url!r} is not a URL: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"{url!r} is not an http or https URL with a host")
    return parsed


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
