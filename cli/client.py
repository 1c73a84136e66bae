"""A running Sluice, as the command line talks to it.

Invariant: whatever fails on the way is an AnswerError or an Unreachable, in words for the user.
Does not know: how a broken stream goes on (`stream` does), what answers mean.
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Self

import httpx2

from cli.answer import AnswerError
from cli.refused import refusal
from cli.stream import Stream, Unreachable, cancel_path, events_path, job_path

_CONNECT_S = 5.0
_SILENCE_S = 60.0  # the gateway sends a ping at least every 10 s
_LOOK_S = 10.0
_VERSION = "2023-06-01"


class Client:
    """One server and one key. Use it as a context, so that its connections are closed."""

    def __init__(self, url: str, key: str = "", note: Callable[[str], None] = lambda _: None) -> None:
        """`note` is told of connections that are about to be resumed.

        Raises ValueError if `url` is not an http or https URL with a host.
        """
        base = _checked(url)
        self.url = url
        self.note = note
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

    def stream(self, body: Mapping[str, Any]) -> Stream:
        """The events of a Messages call, its ending last."""
        request = self._http.build_request("POST", "/v1/messages", json={**body, "stream": True})
        stream = Stream(self._http, request, self._note)
        stream.owned = True
        return stream

    def follow(self, job: str, after: str = "") -> Stream:
        """The events of a job, those after the event id `after`."""
        headers = {"last-event-id": after} if after else {}
        stream = Stream(self._http, self._http.build_request("GET", events_path(job), headers=headers), self._note)
        stream.position = after
        return stream

    def job(self, job: str) -> dict[str, Any]:
        """What a job looks like now. Raises AnswerError if there is none, Unreachable."""
        return self._fields("GET", job_path(job))

    def cancel(self, job: str) -> dict[str, Any]:
        """Cancel a job that has not ended; answers what it looks like then. Raises as `job`."""
        return self._fields("POST", cancel_path(job))

    def look(self, path: str) -> httpx2.Response:
        """The answer to a GET, whatever its status. Raises Unreachable."""
        return self._send("GET", path)

    def _fields(self, method: str, path: str) -> dict[str, Any]:
        response = self._send(method, path)
        if response.status_code != 200:
            raise AnswerError(refusal(response))
        try:
            fields = response.json()
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            raise AnswerError(f"{self.url} does not speak like a Sluice")
        return fields

    def _send(self, method: str, path: str) -> httpx2.Response:
        try:
            return self._http.request(method, path, timeout=_LOOK_S)
        except httpx2.RequestError as error:
            raise Unreachable(f"cannot reach {self.url}: {error or type(error).__name__}") from error

    def _note(self, text: str) -> None:
        self.note(text)


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
