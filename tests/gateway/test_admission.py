"""gateway/admission.py: size and shape are checked before anything is queued; what travels on is not changed."""

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.admission import MOST_MESSAGES, always_streamed, count_request, messages_request, travelling
from gateway.settings import GatewaySettings
from streamlog.errors import ClientError
from streamlog.jobs import Request

SMALL = GatewaySettings(body_bytes=1024, body_s=0.1)
FIELDS: dict[str, Any] = {"model": "claude-x", "max_tokens": 8, "messages": [{"role": "user", "content": "hi"}]}


def refused(body: bytes) -> ClientError:
    with pytest.raises(ClientError) as error:
        messages_request(body, "/v1/messages", "", [])
    assert error.value.http_status == 400
    return error.value


def admitted(body: bytes, query: str = "", headers: list[tuple[bytes, bytes]] | None = None) -> Request:
    return messages_request(body, "/v1/messages", query, headers or [])


def test_body_query_and_path_travel_as_they_came() -> None:
    """Spaces, order and unknown fields are the client's."""
    body = b' {"stream" : true, "messages":[], "max_tokens":8, "x":{"y":[]}, "model":"m"} \n'
    request = admitted(body, "beta=true&x=%20")
    assert (request.method, request.path, request.body) == ("POST", "/v1/messages?beta=true&x=%20", body)
    assert (request.model, request.stream) == ("m", True)


def test_without_a_query_the_path_has_no_question_mark() -> None:
    """Not even an empty one."""
    assert admitted(json.dumps(FIELDS).encode()).path == "/v1/messages"


@pytest.mark.parametrize(("stream", "streams"), [({}, False), ({"stream": None}, False), ({"stream": True}, True)])
def test_only_the_body_says_whether_it_streams(stream: dict[str, Any], streams: bool) -> None:
    """An SDK accepts JSON even when it asks for a stream, so its headers say nothing."""
    assert admitted(json.dumps(FIELDS | stream).encode(), headers=[(b"accept", b"text/event-stream")]).stream is streams


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
def test_a_missing_field_is_named(name: str) -> None:
    """In the API's own words."""
    body = {field: value for field, value in FIELDS.items() if field != name}
    assert refused(json.dumps(body).encode()).message == f"{name}: Field required"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", 5),
        ("model", None),
        ("model", ""),
        ("model", "m" * 257),
        ("max_tokens", "8"),
        ("max_tokens", 1.5),
        ("max_tokens", None),
        ("messages", {}),
        ("messages", "hi"),
        ("messages", None),
        ("stream", "yes"),
        ("stream", 1),
    ],
)
def test_a_wrong_field_is_named(name: str, value: Any) -> None:
    """The sentence begins with the field, so that its reader knows where to look."""
    assert refused(json.dumps(FIELDS | {name: value}).encode()).message.startswith(f"{name}: ")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"not json",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"model": "\xff", "max_tokens": 1, "messages": []}',
        b'{"model": "m", "max_tokens": 1, "messages": []} trailing',
        b'{"model": "m", "max_tokens": 1, "messages": [}',
        b"\x00",
        b"NaN",
    ],
)
def test_what_is_not_a_json_object_is_refused(body: bytes) -> None:
    """A sentence, no traceback, no Python name."""
    error = refused(body)
    assert error.code == "invalid_request"
    assert "Error" not in error.message


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf" + json.dumps(FIELDS).encode(), "byte order mark"),
        (json.dumps(FIELDS).encode("utf-16"), "UTF-16"),
        (json.dumps(FIELDS).encode("utf-16-le"), "UTF-16"),
        (json.dumps(FIELDS).encode("utf-32-be"), "UTF-32"),
        (gzip.compress(json.dumps(FIELDS).encode()), "gzip"),
        (b'{"system": ' + b"[" * 100_000, "nested too deeply"),
    ],
    ids=["nothing", "a mark", "UTF-16", "UTF-16 without a mark", "UTF-32", "compressed", "bottomless"],
)
def test_what_it_is_instead_is_told(body: bytes, what: str) -> None:
    """Whoever sent it must find out without a hex dump."""
    assert what in refused(body).message


def test_counting_asks_for_less() -> None:
    """No `max_tokens`; the rest is checked as in any call."""
    body = json.dumps({"model": "m", "messages": []}).encode()
    request = count_request(body, "/v1/messages/count_tokens", "beta=true", [])
    assert (request.path, request.body, request.stream) == ("/v1/messages/count_tokens?beta=true", body, False)
    with pytest.raises(ClientError, match="messages: "):
        count_request(b'{"model": "m", "messages": {}}', "/", "", [])


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000])
@pytest.mark.parametrize("around", [b'{"model":"m","max_tokens":1,"messages":[%b]}', b'{"system":%b}', b"%b"])
def test_json_nested_beyond_reason_is_refused(deep: bytes, around: bytes) -> None:
    """100,000 levels end neither the process nor in a 500, wherever they stand."""
    body = around % deep
    refused(body)
    with pytest.raises(ClientError):
        messages_request(always_streamed(body), "/v1/messages", "", [])


@pytest.mark.parametrize("deep", [b"[" * 500 + b"]" * 500, b'{"a":' * 500 + b"1" + b"}" * 500])
def test_json_as_deep_as_any_schema_is_taken(deep: bytes) -> None:
    """The limit is where the parser stops, above 800 levels; nothing in Sluice walks what a message holds."""
    assert admitted(b'{"model":"m","max_tokens":1,"messages":[%b]}' % deep).model == "m"


def with_messages(messages: bytes) -> bytes:
    return b'{"model":"m","max_tokens":1,"messages":[%b]}' % messages


def test_more_messages_than_the_api_takes_are_refused() -> None:
    """The API's limit is 100,000 a request, wherever the bytes are: in many small ones, or in a million of none."""
    for message in (b'{"role":"user","content":"{"}', b"{}"):
        assert admitted(with_messages(b",".join([message] * MOST_MESSAGES))).model == "m"
        for beyond in (MOST_MESSAGES + 1, 1_000_000):
            assert str(MOST_MESSAGES) in refused(with_messages(b",".join([message] * beyond))).message


def test_braces_are_no_messages() -> None:
    """A prompt may have as many braces as it likes, and so may what stands around it."""
    braces = b"{" * (2 * MOST_MESSAGES)
    tools = b",".join([b"{}"] * (2 * MOST_MESSAGES))
    assert admitted(with_messages(b'{"role":"user","content":"%b"}' % braces)).model == "m"
    assert admitted(with_messages(b"")[:-1] + b',"tools":[%b]}' % tools).model == "m"


def test_a_long_list_of_what_are_no_messages_is_the_upstreams_to_judge() -> None:
    """As a short one is."""
    assert admitted(with_messages(b"1," + b",".join([b"{}"] * (2 * MOST_MESSAGES)))).model == "m"


def test_a_streaming_body_is_left_as_it_is() -> None:
    """Byte for byte, since there is nothing to say."""
    body = b'{ "stream":true , "x": 1.0}'
    assert always_streamed(body) is body


@pytest.mark.parametrize(
    ("body", "streamed"),
    [
        (b' { "x" :1.0 }\n', b' {"stream":true, "x" :1.0 }\n'),
        (b"\t{ } ", b'\t{"stream":true } '),
        (b"{}", b'{"stream":true}'),
    ],
)
def test_a_body_without_stream_keeps_all_its_bytes(body: bytes, streamed: bytes) -> None:
    """The one field is put before them."""
    assert always_streamed(body) == streamed


@pytest.mark.parametrize("said", [b'"stream": false, ', b'"stream": null, ', b""])
def test_a_job_always_streams_and_all_other_values_keep_their_bytes(said: bytes) -> None:
    """Numbers keep their digits, texts their escapes, unknown fields their place in the world."""
    body = b'{%b"big": 12345678901234567890, "f": 1.0e2, "t": "\\u00e9\xc3\xa9", "deep": {"a" :[1, 2]}}' % said
    streamed = always_streamed(body)
    assert json.loads(streamed)["stream"] is True
    for value in (b"12345678901234567890", b"1.0e2", b'"\\u00e9\xc3\xa9"', b'{"a" :[1, 2]}'):
        assert value in streamed


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=5))
def test_a_job_says_what_its_body_said_and_that_it_streams(fields: dict[str, Any]) -> None:
    """For any object; nothing else is added or lost."""
    assert json.loads(always_streamed(json.dumps(fields).encode())) == fields | {"stream": True}


@pytest.mark.parametrize("body", [b"[]", b"null", b"", b"\xff", b'{"a":1'])
def test_a_job_of_something_else_than_an_object_is_refused(body: bytes) -> None:
    """With the client's error, before its fields are looked at."""
    with pytest.raises(ClientError):
        always_streamed(body)


def test_only_anthropic_headers_travel() -> None:
    """Keys, cookies and what belongs to the connection stay here."""
    headers = [
        (b"x-api-key", b"secret"),
        (b"authorization", b"Bearer secret"),
        (b"cookie", b"a=b"),
        (b"host", b"here"),
        (b"content-length", b"5"),
        (b"x-stainless-retry-count", b"0"),
        (b"anthropic-version", b"2023-06-01"),
        (b"anthropic-new", b"x y"),
    ]
    assert travelling(headers) == {"anthropic-version": "2023-06-01", "anthropic-new": "x y"}


def test_a_repeated_header_is_joined() -> None:
    """As HTTP says, in order."""
    headers = [(b"anthropic-beta", b"one"), (b"anthropic-version", b"v"), (b"anthropic-beta", b"two,three")]
    assert travelling(headers) == {"anthropic-beta": "one, two,three", "anthropic-version": "v"}


def test_a_header_beyond_ascii_is_refused() -> None:
    """It could not travel as it came."""
    with pytest.raises(ClientError, match="anthropic-beta: Only ASCII") as error:
        travelling([(b"anthropic-beta", b"caf\xe9")])
    assert error.value.http_status == 400
    assert travelling([(b"cookie", b"caf\xe9")]) == {}
