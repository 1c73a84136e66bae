"""gateway/sameness.py: by what a repeated call is known again."""

from dataclasses import replace

import pytest
from starlette.datastructures import Headers

from gateway.sameness import sameness
from streamlog.errors import ClientError
from streamlog.jobs import Request, Sameness

CALL = Request("POST", "/v1/messages", {"anthropic-version": "2023-06-01"}, b'{"model": "claude"}', "claude", True)


async def same(owner: str = "owner", request: Request = CALL, *, attached: bool = True, **headers: str) -> Sameness:
    return await sameness(Headers({name.replace("_", "-"): v for name, v in headers.items()}), owner, request,
                          attached=attached)  # fmt: skip


async def test_the_same_call_has_the_same_fingerprint() -> None:
    """Whatever else its headers say."""
    first = await same()
    assert first == await same(user_agent="another")
    assert (first.idempotency, first.retried) == ("", False)


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, path="/v1/messages?beta=true"),
        replace(CALL, headers={"anthropic-version": "2026-10-21"}),
        replace(CALL, headers={**CALL.headers, "anthropic-beta": "one"}),
        replace(CALL, body=CALL.body + b" "),
        replace(CALL, method="GET"),
    ],
)
async def test_another_call_has_another(other: Request) -> None:
    """Path, query, version, beta and each byte of the body count."""
    assert (await same(request=other)).fingerprint != (await same()).fingerprint


async def test_owners_and_kinds_of_jobs_are_apart() -> None:
    """One owner never joins another's job, nor an attached call a detached one."""
    prints = {(await same()).fingerprint, (await same("other")).fingerprint, (await same(attached=False)).fingerprint}
    assert len(prints) == 3
    assert (await same(idempotency_key="k")).idempotency != (await same("other", idempotency_key="k")).idempotency


async def test_a_large_body_counts_to_its_last_byte() -> None:
    """It is read in a thread."""
    large = replace(CALL, body=b"x" * 300_000)
    assert (await same(request=large)).fingerprint == (await same(request=large)).fingerprint
    assert (await same(request=large)).fingerprint != (
        await same(request=replace(CALL, body=b"x" * 299_999 + b"y"))
    ).fingerprint


@pytest.mark.parametrize(
    ("count", "retried"),
    [
        ("0", False),
        ("1", True),
        ("2", True),
        ("NOT_GIVEN", False),
        ("-1", False),
        ("²", False),
        ("9" * 5000, True),
        ("000", False),
    ],
)
async def test_a_retry_is_what_the_sdks_count(count: str, retried: bool) -> None:
    """From 1 on; what is no number is no retry."""
    assert (await same(x_stainless_retry_count=count)).retried is retried


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_a_key_has_a_length(key: str) -> None:
    """1 to 255 characters."""
    with pytest.raises(ClientError, match="1 to 255"):
        await same(idempotency_key=key)


async def test_nothing_can_be_read_from_it() -> None:
    """Owner, key and body travel as digests."""
    told = await same("secret-owner", idempotency_key="secret-key")
    assert "secret" not in repr(told)
    assert len(told.fingerprint) == len(told.idempotency) == 64
