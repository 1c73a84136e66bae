"""What must never be in a log line."""

from typing import Any

import pytest

from telemetry.redaction import MAX_TEXT, redact


def cleaned(**values: Any) -> Any:
    """The event as it would be rendered."""
    return redact(None, "info", values)


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Authorization", "x-api-key", "x_api_key", "api_key", "cookie", "headers", "password"),
        *("body", "prompt", "messages", "content", "answer", "text", "thinking", "token", "system"),
    ],
)
def test_sensitive_names_are_dropped(name: str) -> None:
    """A value under the name of a secret or of someone's words is gone, at any depth."""
    assert cleaned(**{name: "hush", "job": "job_1"}) == {"job": "job_1"}
    assert cleaned(request={name: "hush", "size": 3}, many=[{name: "hush"}]) == {"request": {"size": 3}, "many": [{}]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key sk-ant-api03-AbC_d-9 refused", "key sk-ant-*** refused"),
        ("sk-ant-1,sk-ant-2", "sk-ant-***,sk-ant-***"),
        ("Authorization: Bearer abc.def-1_2~3+/=", "Authorization: Bearer ***"),
        ("connect redis://user:pass@host:6379/0", "connect redis://***@host:6379/0"),
        ("connect rediss://:p@host", "connect rediss://***@host"),
        ("unix://me@/run/redis.sock?db=0&password=p%20w", "unix://***@/run/redis.sock?db=0&password=***"),
        ("GET /v1/models?API-KEY=abc&limit=3", "GET /v1/models?API-KEY=***&limit=3"),
        (
            "ERR unknown command `AUTH`, with args beginning with: `p`, ",
            "ERR unknown command `AUTH`, with args beginning with: ***",
        ),
        ("unix:///run/redis.sock is free", "unix:///run/redis.sock is free"),
    ],
)
def test_secrets_inside_any_text_are_masked(text: str, shown: str) -> None:
    """Keys, bearer tokens and passwords in addresses are masked wherever they stand."""
    assert cleaned(event=text) == {"event": shown}
    assert cleaned(event="x", detail=[text], exception=text) == {"event": "x", "detail": [shown], "exception": shown}


def test_an_error_object_is_masked_as_text() -> None:
    """Any object is turned into text first, so its words cannot slip by."""
    assert cleaned(problem=ValueError("sk-ant-api03-x")) == {"problem": "sk-ant-***"}


@pytest.mark.parametrize("raw", [b"secret", bytearray(b"secret"), memoryview(b"secret")])
def test_bytes_are_only_counted(raw: object) -> None:
    """Bytes are bodies and frames: their number is told, never their content."""
    assert cleaned(frame=raw) == {"frame": "<6 bytes>"}


@pytest.mark.parametrize("mark", ["\n", "\r", "\x0b", "\x1b", "\x85", "\u2028", "\u2029", "\x00"])
def test_no_text_can_begin_a_line_of_its_own(mark: str) -> None:
    """Control characters are escaped, so that nobody forges a record or paints the terminal."""
    shown: str = cleaned(event=f"a{mark}b")["event"]
    assert shown.startswith("a\\")
    assert len(shown.splitlines()) == 1
    assert shown.isprintable()


def test_a_traceback_keeps_its_lines() -> None:
    """Only newlines of tracebacks stay, for the renderer to decide."""
    assert cleaned(exception="a\nb\x1bc") == {"exception": "a\nb\\x1bc"}


def test_long_texts_are_cut() -> None:
    """A text has an end, and its length is told."""
    shown = cleaned(event="x" * 100_000)["event"]
    assert shown == "x" * MAX_TEXT + "… (100000 characters)"


def test_collections_have_an_end() -> None:
    """Lists are cut and deep nests are only counted."""
    deep: Any = {"a": 1}
    for _ in range(10):
        deep = {"deeper": deep}
    assert len(cleaned(many=list(range(1000)))["many"]) == 50
    assert "<1 items>" in str(cleaned(deep=deep))


def test_numbers_and_nothing_stay_what_they_are() -> None:
    """Plain values keep their types."""
    assert cleaned(n=1, x=0.5, yes=True, nothing=None) == {"n": 1, "x": 0.5, "yes": True, "nothing": None}


def test_a_name_cannot_break_the_line() -> None:
    """What a key=value reader could not read in a name becomes an underscore."""
    assert cleaned(**{"a b=c\n": 1}) == {"a_b_c_": 1}
