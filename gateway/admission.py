"""From an HTTP request to a job's request: size, shape, and what travels on.

Invariant: the body's bytes, the query and the headers `anthropic-*` travel on as they came; client keys and
hop-by-hop headers do not. What is refused here is refused before anything is queued.
Does not know: Redis, quotas, streams.
"""

import asyncio
from typing import Annotated

import msgspec
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from gateway.settings import GatewaySettings
from streamlog.errors import ClientError
from streamlog.jobs import Request


class Envelope(msgspec.Struct):
    """The least that every Messages call has; everything else is the upstream's to judge."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    max_tokens: int
    messages: list[msgspec.Raw]
    stream: bool | None = None


_envelope = msgspec.json.Decoder(Envelope)


async def read_body(request: HttpRequest, settings: GatewaySettings) -> bytes:
    """The whole body. Raises `ClientError` for one that is too large, as soon as that is known, or never comes."""
    most = settings.body_bytes
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise ClientError("body_too_large", f"The body has {declared} bytes, the limit is {most}.")
    parts: list[bytes] = []
    size = 0
    stream = request.stream().__aiter__()
    try:
        while True:
            async with asyncio.timeout(settings.body_s):
                part = await stream.__anext__()
            size += len(part)
            if size > most:
                raise ClientError("body_too_large", f"The body has more than {most} bytes.")
            parts.append(part)
    except StopAsyncIteration:
        return b"".join(parts)
    except TimeoutError:
        raise ClientError("invalid_request", f"No part of the body came for {settings.body_s:g} s.") from None
    except ClientDisconnect:
        raise ClientError("invalid_request", "The client left before its body was complete.") from None


def messages_request(body: bytes, path: str, query: str, headers: list[tuple[bytes, bytes]]) -> Request:
    """A Messages call, checked as far as `Envelope` goes. Raises `ClientError` with a sentence that helps."""
    try:
        envelope = _envelope.decode(body)
    except msgspec.ValidationError as error:
        raise ClientError("invalid_request", _told(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClientError("invalid_request", f"The request body is not valid JSON: {error}") from None
    return Request(
        method="POST",
        path=f"{path}?{query}" if query else path,
        headers=travelling(headers),
        body=body,
        model=envelope.model,
        stream=bool(envelope.stream),
    )


def always_streamed(body: bytes) -> bytes:
    """The body with `"stream": true`, all other values byte for byte: jobs always stream upstream."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ClientError("invalid_request", f"The request body is not a JSON object: {error}") from None
    if bytes(fields.get("stream", b"")) == b"true":
        return body
    return msgspec.json.encode(fields | {"stream": True})


def travelling(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """The client's `anthropic-*` headers; repeated ones are joined as HTTP says."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name.startswith(b"anthropic-"):
            text = value.decode("latin-1")
            key = name.decode()
            found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _told(sentence: str) -> str:
    """msgspec's sentence in the API's words: `max_tokens: Field required`."""
    if "missing required field" in sentence:
        return f"{sentence.split('`')[1]}: Field required"
    if " - at `$." in sentence:
        what, _, where = sentence.rpartition(" - at `$.")
        return f"{where.rstrip('`')}: {what}"
    return sentence
