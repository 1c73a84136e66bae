"""The versions of Claude's API and what each of them refuses.

Invariant: both versions work side by side; a call has the rules of the one that it names. A version that does not
exist is refused, well formed or not, as the API does. Does not know the shape of a body beyond what a rule looks at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.errors import ApiError

Json = dict[str, Any]

OLDER = "2023-06-01"
NEWER = "2026-10-21"
VERSIONS = (OLDER, NEWER)
"""The API's first version, 2023-01-01, had other events, which the simulator does not speak."""
REMOVED_FIELDS = ("temperature", "top_p", "top_k")
"""What the newer version refuses, even with the value that is the default of the older one."""


def checked_version(headers: Mapping[str, str]) -> str:
    """The version that a call names. Raises ApiError, 400."""
    version = headers.get("anthropic-version")
    if version is None:
        raise ApiError(400, "anthropic-version: header is required")
    if version not in VERSIONS:
        raise ApiError(400, f'anthropic-version: "{version}" is not a valid version')
    return version


def check_rules(body: Json, version: str) -> None:
    """Raise the 400 of what this version took away from a Messages body of the right shape."""
    if version == OLDER:
        return
    for name in REMOVED_FIELDS:
        if name in body:
            raise ApiError(400, f"{name}: Extra inputs are not permitted")
    for where, role, block in _blocks(body):
        if role == "assistant" and block["type"] == "document":
            raise ApiError(400, f"{where}: `document` blocks are not permitted in `assistant` messages")
        if role == "user" and block["type"] == "text" and block.get("citations"):
            raise ApiError(400, f"{where}.text.citations: Extra inputs are not permitted")


def _blocks(body: Json) -> Iterator[tuple[str, str, Json]]:
    """Every block of the messages with its place and its role; those in a search result too."""
    for at, message in enumerate(body["messages"]):
        if isinstance(message["content"], str):
            continue
        for index, block in enumerate(message["content"]):
            where = f"messages.{at}.content.{index}"
            yield where, message["role"], block
            if block["type"] == "search_result" and isinstance(block.get("content"), list):
                for inner, part in enumerate(block["content"]):
                    if isinstance(part, dict) and "type" in part:
                        yield f"{where}.search_result.content.{inner}", message["role"], part
