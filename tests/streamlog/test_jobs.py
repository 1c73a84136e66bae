"""Jobs and their records: bytes from Redis get their types in one place."""

import json

import pytest

from streamlog.jobs import RECORD_FIELDS, Record, new_job_id
from streamlog.lifecycle import State
from streamlog.positions import JOB_ID, Position

NEEDED: dict[str, bytes | None] = {"state": b"running", "last": b"7-3"}


def _values(**fields: bytes | None) -> list[bytes | None]:
    of = NEEDED | fields
    return [of.get(name) for name in RECORD_FIELDS]


def test_a_job_id_is_new_and_fits_everywhere() -> None:
    """128 random bits, URL-safe, of the form that positions expect."""
    ids = {new_job_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(JOB_ID.fullmatch(job_id) for job_id in ids)


def test_no_record_is_none() -> None:
    """Redis answers a job that is not there with nothing but nils."""
    assert Record.read([None] * len(RECORD_FIELDS)) is None


def test_a_record_is_read_with_its_types() -> None:
    """Times as integers, JSON as values, a refusal byte for byte."""
    record = Record.read(
        _values(
            attached=b"1", stream=b"0", method=b"POST", path=b"/v1/messages?a=b", headers=b'{"anthropic-x":"y"}',
            model=b"m\xc3\xb6", owner=b"o", request_id=b"req_1", created_us=b"1700000000000001", claimed_us=b"2",
            content_us=b"3", ended_us=b"4",
            code=b"upstream_cut", response=b'{"status":429}', usage=b'{"output_tokens":1}', refusal=b"\xff\x00",
        )
    )  # fmt: skip
    assert record is not None
    assert (record.state, record.attached, record.stream, record.last) == (State.RUNNING, True, False, Position(7, 3))
    assert (record.method, record.path, record.headers, record.model) == (
        "POST",
        "/v1/messages?a=b",
        {"anthropic-x": "y"},
        "mö",
    )
    assert (record.created_us, record.claimed_us, record.content_us, record.ended_us) == (
        1_700_000_000_000_001,
        2,
        3,
        4,
    )
    assert (record.owner, record.request_id, record.code) == ("o", "req_1", "upstream_cut")
    assert (record.response, record.usage, record.refusal) == ({"status": 429}, {"output_tokens": 1}, b"\xff\x00")


def test_what_is_not_known_yet_has_a_plain_value() -> None:
    """A queued job has no times but its submit, no response, no usage, no refusal."""
    record = Record.read(_values(attached=b"0"))
    assert record is not None
    assert (record.claimed_us, record.content_us, record.ended_us) == (0, 0, 0)
    assert (record.code, record.response, record.usage, record.refusal) == ("", {}, {}, None)
    assert not record.attached


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("state", b"asleep"),
        ("last", b""),
        ("last", None),
        ("created_us", b"soon"),
        ("created_us", b"9" * 17),
        ("created_us", "\u0663".encode()),
        ("headers", b"{"),
        ("headers", b"[" * 100_000),
        ("headers", b"[]"),
        ("headers", b'{"x-api-key": "mine"}'),
        ("headers", b'{"anthropic-x": "a\\r\\nx-api-key: mine"}'),
        ("headers", b'{"anthropic-x\\n": "a"}'),
        ("headers", b'{"anthropic-x": "a\\n"}'),
        ("headers", b'{"anthropic-x": 1}'),
        ("response", b"\x80\x04\x95"),
        ("response", b'{"status": 99}'),
        ("response", b'{"status": 200, "headers": {"content-length": "3"}}'),
        ("response", b'{"status": 200, "headers": {"retry-after": "1\\r\\nset-cookie: a"}}'),
        ("usage", b"[1]"),
        ("owner", b"\xff"),
    ],
)
def test_a_garbled_record_is_an_error(field: str, value: bytes | None) -> None:
    """It raises `ValueError` (JSON's and Unicode's are such), never a half-read record."""
    with pytest.raises(ValueError):  # the text is that of whatever could not be read
        Record.read(_values(**{field: value}))


def test_the_upstreams_json_is_read_as_it_is() -> None:
    """Nested values survive."""
    usage = {"cache_creation": {"ephemeral_5m_input_tokens": 3}}
    record = Record.read(_values(usage=json.dumps(usage).encode()))
    assert record is not None
    assert record.usage == usage
