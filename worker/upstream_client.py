"""The SDK's client, which builds the head of a request once for all requests that are alike.

To merge a request's headers and addresses anew costs the SDK 60 % of a call, for calls that differ in their body only
(measured: docs/performance.md).
Invariant: what is sent is what the SDK builds for these very options, but for the body and its length; whatever it
builds from is part of what a head is kept by.
Does not know: what is asked, when a call is repeated.
"""

from typing import Any, TypeVar

import httpx2
from anthropic import AsyncAnthropic
from anthropic._models import FinalRequestOptions

# Clients choose the query and some of the headers.
_MOST_KEPT = 256
_LONGEST_KEPT = 2_000

_Alike = tuple[object, ...]
_Kind = TypeVar("_Kind")


class Client(AsyncAnthropic):
    """`AsyncAnthropic`, quicker for calls whose body is given as bytes."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._heads: dict[_Alike, httpx2.Request] = {}
        self._options: dict[_Alike, FinalRequestOptions] = {}

    async def open(
        self, method: str, path: str, headers: dict[str, Any], timeout: httpx2.Timeout | float, content: bytes | None
    ) -> httpx2.Response:
        """What `post` and `get` do for a response that is not read yet: one attempt, without what the SDK puts around
        it to repeat it and to read it. Raises as they do."""
        alike = (method, path, _told(timeout), *headers.items())
        known = self._options.get(alike)
        if known is None:
            made = FinalRequestOptions.construct(method=method, url=path, headers=headers, timeout=timeout)
            known = _kept(self._options, alike, made)
        options = known.model_copy(update={"content": content})
        response, _ = await self._attempt_request(options, stream=True)
        if not response.is_success:
            await response.aread()
            raise self._make_status_error_from_response(response)
        return response

    @property
    def user_agent(self) -> str:
        """The SDK's own: it would tell the name of this class."""
        return f"AsyncAnthropic/Python {self._version}"

    def _build_request(self, options: FinalRequestOptions, *, retries_taken: int = 0) -> httpx2.Request:
        content = options.content
        if not (content and isinstance(content, bytes)):
            return super()._build_request(options, retries_taken=retries_taken)
        alike = self._alike(options, retries_taken)
        head = self._heads.get(alike)
        if head is None:
            head = _kept(self._heads, alike, self._built(options, retries_taken))
        request = httpx2.Request(
            head.method,
            head.url,
            headers=head.headers,
            stream=httpx2.ByteStream(content),
            extensions=head.extensions,
        )
        request.headers["Content-Length"] = str(len(content))
        request.read()
        return request

    def _built(self, options: FinalRequestOptions, retries_taken: int) -> httpx2.Request:
        """By the SDK, for a body that is not kept with it."""
        head = super()._build_request(options.model_copy(update={"content": b"-"}), retries_taken=retries_taken)
        del head.headers["content-length"]
        return head

    def _alike(self, options: FinalRequestOptions, retries_taken: int) -> _Alike:
        """All that the SDK builds a head from, and that may change while a client lives."""
        return (
            options.method,
            options.url,
            _told(options.timeout),
            retries_taken,
            self.api_key,
            self.auth_token,
            *(options.headers or {}).items(),
        )


def _told(timeout: object) -> object:
    """What tells timeouts apart: httpx2's own have no hash."""
    if isinstance(timeout, httpx2.Timeout):
        return timeout.connect, timeout.read, timeout.write, timeout.pool
    return timeout


def _kept(kept: dict[_Alike, _Kind], alike: _Alike, made: _Kind) -> _Kind:
    """What was made, kept for the next call unless it is of an unusual size."""
    if len(str(alike)) <= _LONGEST_KEPT:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        kept[alike] = made
    return made
