"""Request bodies on their way in, within limits of size, time, and memory of all together.

Invariant: no more than `bodies_bytes` of bodies are held at once, from their first byte to their submit; a body that
is too large is refused as soon as that is known, and never held whole.
Does not know: what is in a body, and what becomes of it.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request as HttpRequest

from gateway.settings import GatewaySettings
from streamlog.errors import ClientError, InternalError


class Intake:
    """The bodies of one gateway. `held_bytes` is what is held now."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self.held_bytes = 0

    @asynccontextmanager
    async def body(self, request: HttpRequest) -> AsyncIterator[bytes]:
        """The whole body, held while the block runs.

        Raises `ClientError` for one that is too large, compressed, or never comes, `InternalError` `intake_full`.
        """
        held = io.BytesIO()  # grows in place and gives its bytes away uncopied; joining 32 MB would take 15 ms at once
        try:
            await self._read(request, held)
            yield held.getvalue()
        finally:
            self.held_bytes -= held.tell()

    async def _read(self, request: HttpRequest, held: io.BytesIO) -> None:
        self._refuse_head(request)
        receive, body_s, more = request.receive, self._settings.body_s, True
        while more:
            try:
                async with asyncio.timeout(body_s):
                    message = await receive()
            except TimeoutError:
                raise ClientError("invalid_request", f"No part of the body came for {body_s:g} s.") from None
            if message["type"] == "http.disconnect":
                raise ClientError("invalid_request", "The client left before its body was complete.")
            part, more = message.get("body", b""), message.get("more_body", False)
            self._refuse_part(held.tell() + len(part), len(part))
            held.write(part)
            self.held_bytes += len(part)

    def _refuse_head(self, request: HttpRequest) -> None:
        coding = request.headers.get("content-encoding", "identity").lower()
        if coding != "identity":
            why = f"content-encoding: {coding} is not supported; send the body as it is."
            raise ClientError("invalid_request", why)
        most, declared = self._settings.body_bytes, request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > most:
            raise ClientError("body_too_large", f"The body has {declared} bytes, the limit is {most}.")

    def _refuse_part(self, size: int, more: int) -> None:
        most, most_of_all = self._settings.body_bytes, self._settings.bodies_bytes
        if size > most:
            raise ClientError("body_too_large", f"The body has more than {most} bytes.")
        if self.held_bytes + more > most_of_all:
            why = f"The bodies on their way in hold {self.held_bytes} bytes, the limit is {most_of_all}."
            raise InternalError("intake_full", why, retry_after_s=1)
