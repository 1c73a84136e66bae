"""What may be written down: the last look at a log record before it becomes text.

Invariant: values under the names of secrets and of people's words are gone, keys and passwords inside any text are
masked, bytes are only counted, and no value is longer than MAX_TEXT or can begin a line of its own.
Does not know: which record it is, how it will be rendered.
"""

import re
from collections.abc import Mapping
from itertools import islice
from typing import Any

from structlog.types import EventDict, WrappedLogger

_SECRET_NAMES = {
    *("api_key", "apikey", "authorization", "cookie", "credentials", "headers", "key", "keys", "password"),
    *("proxy_authorization", "secret", "set_cookie", "token", "x_api_key"),
}
_NAMES_OF_WORDS = {
    *("answer", "body", "content", "delta", "input_json", "message", "messages", "payload", "prompt", "question"),
    *("system", "text", "thinking"),
}
DROPPED = _SECRET_NAMES | _NAMES_OF_WORDS
MAX_TEXT = 8192
MAX_ITEMS = 50
MAX_DEPTH = 4

_SECRETS = (
    (re.compile(r"sk-ant-[\w-]+"), "sk-ant-***"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]+", re.IGNORECASE), r"\1 ***"),
    (re.compile(r"://[^/\s@]+@"), "://***@"),
    (re.compile(r"([?&](?:api[_-]?key|key|pass(?:word|wd)|secret|token)=)[^&\s'\"]+", re.IGNORECASE), r"\1***"),
    # Redis quotes what it was asked, and a server that knows no AUTH was told the password.
    (re.compile(r"(with args beginning with:).*", re.IGNORECASE), r"\1 ***"),
)
# Besides the ASCII ones, U+0085, U+2028 and U+2029 begin a new line for many readers of logs.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROLS_BUT_NEWLINE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_UNFIT_FOR_A_KEY = re.compile(r"[^\w.-]")
# Tracebacks: every renderer knows them, and a terminal should show their lines.
_LINES = ("exception", "stack")


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: the event without what must not be logged; see this file's invariant."""
    return _mapping(event, MAX_DEPTH)


def _mapping(values: Mapping[Any, object], depth: int) -> dict[str, object]:
    kept: dict[str, object] = {}
    for key, value in islice(values.items(), MAX_ITEMS):
        name = _UNFIT_FOR_A_KEY.sub("_", str(key))
        if name.lower().replace("-", "_") not in DROPPED:
            kept[name] = _text(str(value), _CONTROLS_BUT_NEWLINE) if name in _LINES else _value(value, depth)
    return kept


def _value(value: object, depth: int) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _collection(value, depth - 1)
    return _text(str(value), _CONTROLS)


def _collection(
    value: Mapping[Any, object] | list[object] | tuple[object, ...] | set[object] | frozenset[object], depth: int
) -> object:
    if depth <= 0:
        return f"<{len(value)} items>"
    if isinstance(value, Mapping):
        return _mapping(value, depth)
    return [_value(item, depth) for item in islice(value, MAX_ITEMS)]


def _text(text: str, controls: re.Pattern[str]) -> str:
    for secret, mask in _SECRETS:
        text = secret.sub(mask, text)
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}… ({len(text)} characters)"
    return controls.sub(lambda found: ascii(found[0])[1:-1], text)
