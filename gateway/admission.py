"""From a body to a job's request: its shape, and what of the call travels on.

Invariant: the body's bytes, the query and the headers `anthropic-*` travel on as they came; client keys and
hop-by-hop headers do not. What is refused here is refused before anything is queued.
Does not know: how the body came (`intake`), Redis, quotas, streams.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec

from streamlog.errors import ClientError
from streamlog.jobs import Request


class Envelope(msgspec.Struct):
    """The least that every Messages call has; everything else is the upstream's to judge.

    `messages` stays raw: an object for each of millions of small messages takes 0.3 s.
    """

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    max_tokens: int
    messages: msgspec.Raw
    stream: bool | None = None


class CountEnvelope(msgspec.Struct):
    """The same of a call that counts tokens."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    messages: msgspec.Raw


class _Counted(msgspec.Struct, gc=False):
    """A message, of which nothing is kept. Counts down as messages are decoded, so a refusal costs no more than what is
    allowed: 20 ms, where to count all of 32 MB would take 300."""

    left: ClassVar[int] = 0

    def __post_init__(self) -> None:
        _Counted.left -= 1
        if _Counted.left < 0:
            raise _TooManyMessages


class _TooManyMessages(Exception):
    pass


class _Streams(msgspec.Struct):
    stream: msgspec.Raw = msgspec.Raw()


_envelope = msgspec.json.Decoder(Envelope)
_count_envelope = msgspec.json.Decoder(CountEnvelope)
_streams = msgspec.json.Decoder(_Streams)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_messages = msgspec.json.Decoder(list[_Counted])
_Kind = TypeVar("_Kind")
_Checked = TypeVar("_Checked", Envelope, CountEnvelope)
# The API's own limit: https://docs.claude.com/en/api/messages
MOST_MESSAGES = 100_000
_LEAST_BYTES_EACH = len(b"{},")
_OBJECT_BEGINS = re.compile(rb"\s*\{(\s*\})?")


def messages_request(body: bytes, path: str, query: str, headers: list[tuple[bytes, bytes]]) -> Request:
    """A Messages call, checked as far as `Envelope` goes. Raises `ClientError` with a sentence that helps."""
    envelope = _checked(body, _envelope)
    return Request(
        method="POST",
        path=target(path, query),
        headers=travelling(headers),
        body=body,
        model=envelope.model,
        stream=bool(envelope.stream),
    )


def count_request(body: bytes, path: str, query: str, headers: list[tuple[bytes, bytes]]) -> Request:
    """A call that counts tokens, checked as far as `CountEnvelope` goes. Raises `ClientError`."""
    model = _checked(body, _count_envelope).model
    return Request("POST", target(path, query), travelling(headers), body, model, stream=False)


def always_streamed(body: bytes) -> bytes:
    """The body with `"stream": true`, all other values byte for byte: jobs always stream upstream."""
    said = bytes(decoded(_streams, body).stream)
    if said == b"true":
        return body
    if said:
        return msgspec.json.encode(decoded(_fields, body) | {"stream": True})
    begins = _OBJECT_BEGINS.match(body)
    assert begins is not None
    inside = begins.end() if begins[1] is None else begins.start(1)
    whole = memoryview(body)
    return b"".join((whole[:inside], b'"stream":true', b"" if begins[1] else b",", whole[inside:]))


def target(path: str, query: str) -> str:
    """The path with its query, as a request line has it."""
    return f"{path}?{query}" if query else path


def query_of(scope: Mapping[str, Any]) -> str:
    """The query of a call, as it came (from an ASGI scope)."""
    query: bytes = scope["query_string"]
    return query.decode()


def travelling(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """The client's `anthropic-*` headers; repeated ones are joined as HTTP says.

    Raises `ClientError` for a value beyond ASCII, which the SDK would send in another encoding.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        if name.startswith(b"anthropic-"):
            key = name.decode("latin-1")
            if not value.isascii():
                raise ClientError("invalid_request", f"{key}: Only ASCII characters can travel in a header.")
            text = value.decode()
            found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _checked(body: bytes, decoder: msgspec.json.Decoder[_Checked]) -> _Checked:
    envelope = decoded(decoder, body)
    if bytes(memoryview(envelope.messages)[:1]) != b"[":
        raise ClientError("invalid_request", "messages: Expected `array`")
    if len(body) > MOST_MESSAGES * _LEAST_BYTES_EACH and body.count(b"{") > MOST_MESSAGES:
        _refuse_too_many(envelope.messages)
    return envelope


def _refuse_too_many(messages: msgspec.Raw) -> None:
    """What is no list of objects is the upstream's to judge."""
    _Counted.left = MOST_MESSAGES
    try:
        _messages.decode(messages)
    except _TooManyMessages:
        why = f"messages: A request may have {MOST_MESSAGES} messages, and this one has more."
        raise ClientError("invalid_request", why) from None
    except msgspec.ValidationError:
        return


def decoded(decoder: msgspec.json.Decoder[_Kind], body: bytes) -> _Kind:
    """A body in the shape that it must have. Raises `ClientError` with a sentence that helps."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        why = _told(str(error))
    except RecursionError:
        why = "The request body is nested too deeply."
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        why = f"The request body is not valid JSON: {_foreign(body) or error}"
    raise ClientError("invalid_request", why)


def _foreign(body: bytes) -> str:
    """What it is instead, where its first bytes tell."""
    if not body:
        return "it is empty"
    if body.startswith(b"\xef\xbb\xbf"):
        return "it begins with a byte order mark"
    if body.startswith(b"\x1f\x8b"):
        return "it is compressed by gzip"
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in body[:4]:
        return "it is not UTF-8 but UTF-16 or UTF-32"
    return ""


def _told(sentence: str) -> str:
    """msgspec's sentence in the API's words: `max_tokens: Field required`."""
    if "missing required field" in sentence:
        return f"{sentence.split('`')[1]}: Field required"
    if " - at `$." in sentence:
        what, _, where = sentence.rpartition(" - at `$.")
        return f"{where.rstrip('`')}: {what}"
    return sentence
