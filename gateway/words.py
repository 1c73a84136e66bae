"""Claude's events as plain words: bare text, or server-sent events whose `data:` is text.

Invariant: the words of all chunks, joined, are the text of the answer, whichever form they take; a position given as
`id:` stands behind the words that it comes with and never behind the ending, so whoever comes back is told the end.
Does not know: jobs, HTTP, Redis.
"""

from dataclasses import dataclass

import msgspec

from streamlog.errors import SluiceError

_PIECE_CHARACTERS = 1000
DONE = "[DONE]"
NOTHING_LEFT = "end"  # as an id: of a stream that is nothing but its error


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Data(msgspec.Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)


class _Said(msgspec.Struct):
    message: str = ""


class _Error(msgspec.Struct):
    error: _Said = msgspec.field(default_factory=_Said)
    request_id: str | None = None


_data = msgspec.json.Decoder(_Data)
_error = msgspec.json.Decoder(_Error)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a chunk says: pieces of text, each with the id of the last frame that brought some of it, the last frame's
    id, and the data of an error if that is the last event."""

    pieces: list[tuple[str, str]]
    last_id: str
    error: bytes | None


def heard(chunk: bytes) -> Heard:
    """Raises `msgspec.MsgspecError` for a chunk that is not Claude's."""
    pieces: list[tuple[str, str]] = []
    last_id = ""
    error: bytes | None = None
    failing = False
    for line in chunk.split(b"\n"):
        if line.startswith(b"id: "):
            last_id, failing = line[4:].decode(), False
        elif line.startswith(b"event:"):
            failing = line[6:].strip() == b"error"
        elif line.startswith(b"data:"):
            error = line[5:].strip() if failing else None
            if b'"text_delta"' in line and (words := _words(line[5:])):
                _add(pieces, words, last_id)
    return Heard(pieces, last_id, error)


def _add(pieces: list[tuple[str, str]], words: str, event_id: str) -> None:
    """In pieces of some size: each word alone would weigh three times as much, and a whole answer as one could never
    be read over a connection that breaks off again and again."""
    if pieces and len(pieces[-1][0]) < _PIECE_CHARACTERS:
        words = pieces.pop()[0] + words
    pieces.append((words, event_id))


def _words(data: bytes) -> str:
    delta = _data.decode(data).delta
    return delta.text if delta.type == "text_delta" else ""


def sentence(body: bytes, request_id: str) -> str:
    """An error body as a person reads it, with the id that its operators can look for."""
    try:
        told = _error.decode(body)
    except msgspec.MsgspecError:
        told = _Error()
    message = " ".join(told.error.message.split()) or "The answer broke off."
    return f"\n\n[error: {message} (request {told.request_id or request_id})]\n"


class BareText:
    """`text/plain`."""

    content_type = "text/plain; charset=utf-8"
    ping = b""  # nothing could be said that is not part of the answer
    come_back = b""

    def greeting(self, start_id: str) -> bytes:
        """What comes first."""
        return b""

    def said(self, text: str, event_id: str) -> bytes:
        return text.encode()

    def failed(self, body: bytes, request_id: str) -> bytes:
        return sentence(body, request_id).encode()

    def ended(self, event_id: str) -> bytes:
        return b""


class TextEvents:
    """`text/event-stream`, as a browser's `EventSource` hands it to `onmessage`."""

    content_type = "text/event-stream; charset=utf-8"
    ping = b": ping\n"  # a comment without a blank line: no parser makes an event of it
    come_back = b"retry: 1000\n\n"

    def greeting(self, start_id: str) -> bytes:
        """Dispatched as no event, but remembered: from now on whoever is cut off resumes."""
        return f"retry: 1000\nid: {start_id}\n\n".encode() if start_id else self.come_back

    def said(self, text: str, event_id: str) -> bytes:
        if text == DONE:  # Claude's own word, and not the end
            return _event(text[:4]) + _event(text[4:], event_id)
        return _event(text, event_id)

    def failed(self, body: bytes, request_id: str) -> bytes:
        """As words for `onmessage`, then with all that is known for `onerror`, which may close."""
        return _event(sentence(body, request_id)) + b"event: error\ndata: " + body + b"\n\n"

    def ended(self, event_id: str) -> bytes:
        return _event(DONE, event_id)


Form = BareText | TextEvents


def failed_at_once(problem: SluiceError, request_id: str) -> bytes:
    """A whole stream that says only why there is no answer; its reader does not ask again by itself."""
    events = TextEvents()
    return events.failed(problem.body(request_id), request_id) + events.ended(NOTHING_LEFT)


def _event(text: str, event_id: str = "") -> bytes:
    """One event; line feeds become several `data:` lines, and a carriage return, which would be one more, goes."""
    lines = "".join(f"data: {line}\n" for line in text.replace("\r", "").split("\n"))
    return f"{f'id: {event_id}' + chr(10) if event_id else ''}{lines}\n".encode()
